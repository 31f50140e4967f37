# cython: boundscheck=False, wraparound=False, cdivision=True
"""The loop of soft-NMS compiled; same arguments and results as ``pure.soft_nms``."""
from libc.math cimport INFINITY, expf


cdef inline void swap(float[:, ::1] dets, long long[::1] inds, Py_ssize_t a,
                      Py_ssize_t b) noexcept nogil:
    cdef Py_ssize_t k
    cdef float value
    cdef long long index = inds[a]
    inds[a] = inds[b]
    inds[b] = index
    for k in range(5):
        value = dets[a, k]
        dets[a, k] = dets[b, k]
        dets[b, k] = value


cdef inline float overlap(float[:, ::1] dets, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """IoU of two rows, -inf where they do not intersect."""
    cdef float w = min(dets[a, 2], dets[b, 2]) - max(dets[a, 0], dets[b, 0]) + 1
    cdef float h = min(dets[a, 3], dets[b, 3]) - max(dets[a, 1], dets[b, 1]) + 1
    cdef float inter, area, other
    if not (w > 0 and h > 0):
        return -INFINITY
    inter = w * h
    area = (dets[a, 2] - dets[a, 0] + 1) * (dets[a, 3] - dets[a, 1] + 1)
    other = (dets[b, 2] - dets[b, 0] + 1) * (dets[b, 3] - dets[b, 1] + 1)
    return inter / (area + other - inter)


def soft_nms(float[:, ::1] dets, long long[::1] inds, float iou_thr, bint gaussian,
             float sigma, float min_score):
    """See ``mmdet.ops.pure.soft_nms.soft_nms``."""
    cdef Py_ssize_t count = dets.shape[0], row = 0, best, pos
    cdef float iou, decay
    with nogil:
        while row < count:
            best = row
            for pos in range(row + 1, count):
                if dets[pos, 4] > dets[best, 4]:
                    best = pos
            swap(dets, inds, row, best)
            pos = row + 1
            while pos < count:
                iou = overlap(dets, row, pos)
                if iou > -INFINITY:
                    if gaussian:
                        decay = expf(-(iou * iou) / sigma)
                    else:
                        decay = 1 - iou if iou > iou_thr else 1
                    dets[pos, 4] *= decay
                    if dets[pos, 4] < min_score:
                        count -= 1
                        swap(dets, inds, pos, count)
                        continue
                pos += 1
            row += 1
    return count
