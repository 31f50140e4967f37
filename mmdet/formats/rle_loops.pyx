# cython: boundscheck=False, wraparound=False, cdivision=True
"""Loops over compressed RLE masks, a character at a time; without them ``rle.py`` and
``track_iou.py`` do the same more slowly."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc


cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL


cdef const unsigned char* text_of(object counts, Py_ssize_t* size) except NULL:
    if isinstance(counts, bytes):
        size[0] = PyBytes_GET_SIZE(counts)
        return <const unsigned char*> PyBytes_AS_STRING(counts)
    return <const unsigned char*> PyUnicode_AsUTF8AndSize(counts, size)


cdef inline Py_ssize_t next_number(const unsigned char* text, Py_ssize_t at, Py_ssize_t size,
                                   long long* value) noexcept nogil:
    """Place after the number that starts at ``at``, 0 if it is none: five bits a character,
    lowest first, 32 marks that more follow, 16 in the last one is the sign."""
    cdef unsigned int code
    cdef int shift = 0
    value[0] = 0
    while at < size and shift < 30:
        code = <unsigned int> text[at] - 48
        if code > 63:
            return 0
        at += 1
        value[0] |= <long long> (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                value[0] -= 1LL << shift
            return at
    return 0


cdef long long area_of(const unsigned char* text, Py_ssize_t size, long long pixels) noexcept nogil:
    """Foreground pixels; -1 unless every run but the first is positive and all fill the mask."""
    cdef long long value, run = 0, last = 0, before = 0, total = 0, area = 0
    cdef Py_ssize_t at = 0, count = 0
    while at < size:
        at = next_number(text, at, size, &value)
        if at == 0:
            return -1
        run = value + (before if count > 2 else 0)
        if run > pixels or run < (1 if count else 0):
            return -1
        if count & 1:
            area += run
        total += run
        before, last = last, run
        count += 1
    return area if total == pixels else -1


def areas(list rles, Py_ssize_t height, Py_ssize_t width, long long[::1] out):
    """Write the area of every mask, or -1 for one that is not plainly good.

    Args:
        rles: M of anything.
        height: of the masks, pixels.
        width: of the masks, pixels.
        out: (M,) int64.
    """
    cdef Py_ssize_t i, size
    cdef const unsigned char* text
    cdef list wanted = [height, width]
    for i in range(len(rles)):
        out[i] = -1
        rle = rles[i]
        if type(rle) is not dict:
            continue
        shape, counts = rle.get('size'), rle.get('counts')
        if type(shape) is not list or shape != wanted:
            continue
        if type(counts) is bytes or type(counts) is str and counts.isascii():
            text = text_of(counts, &size)
            out[i] = area_of(text, size, <long long> height * width)


cdef struct Mask:
    long long* ends  # of its runs, the background's first
    Py_ssize_t count


cdef int read_mask(object rle, Mask* mask) except -1:
    """Decode a mask that ``areas`` found good; the caller frees ``ends``."""
    cdef Py_ssize_t size, at = 0
    cdef const unsigned char* text = text_of(rle['counts'], &size)
    cdef long long value, run, last = 0, before = 0, end = 0
    mask.count = 0
    mask.ends = <long long*> PyMem_Malloc((size + 2) * sizeof(long long))
    if mask.ends == NULL:
        raise MemoryError
    while at < size:
        at = next_number(text, at, size, &value)
        if at == 0:
            raise ValueError('a mask that was not checked')
        run = value + (before if mask.count > 2 else 0)
        end += run
        mask.ends[mask.count] = end
        mask.count += 1
        before, last = last, run
    if mask.count & 1:  # ends on background: as if no foreground came after
        mask.ends[mask.count] = end
        mask.count += 1
    return 0


cdef long long common(const Mask* a, const Mask* b) noexcept nogil:
    """Pixels in both; run i of either is foreground for odd i, from ends[i - 1] to ends[i]."""
    cdef Py_ssize_t i = 1, j = 1
    cdef long long low, high, pixels = 0
    while i < a.count and j < b.count:
        low = max(a.ends[i - 1], b.ends[j - 1])
        high = min(a.ends[i], b.ends[j])
        if high > low:
            pixels += high - low
        if a.ends[i] < b.ends[j]:
            i += 2
        else:
            j += 2
    return pixels


def intersections(list dts, list gts, double[:, ::1] out):
    """Write the pixels that every two masks of one frame share.

    Args:
        dts: D masks that ``areas`` found good.
        gts: G more.
        out: (D, G) float64.
    """
    cdef Py_ssize_t num = len(dts) + len(gts), split = len(dts), read = 0, i, j
    cdef Mask* masks = <Mask*> PyMem_Malloc(max(num, 1) * sizeof(Mask))
    if masks == NULL:
        raise MemoryError
    try:
        for rle in dts + gts:
            masks[read].ends = NULL
            read += 1
            read_mask(rle, &masks[read - 1])
        for i in range(split):
            for j in range(num - split):
                out[i, j] = <double> common(&masks[i], &masks[split + j])
    finally:
        for i in range(read):
            PyMem_Free(masks[i].ends)
        PyMem_Free(masks)
