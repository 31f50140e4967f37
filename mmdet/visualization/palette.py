"""One colour an object id, the same in every frame, run and tool."""
import colorsys

from mmdet.utils.errors import BadValue

GOLDEN_RATIO = 0.6180339887498949
# (saturation, value) of successive rounds through the hues, so that ids far
# apart whose hues come close again still differ.
_TONES = ((0.85, 1.0), (0.55, 1.0), (0.95, 0.75))


def object_color(obj_id: int) -> tuple[int, int, int]:
    """Colour of an object id; there is no largest id.

    Hues advance by the golden ratio, which keeps any run of ids spread over
    the colour circle, and every eighth id moves on to another tone.

    Args:
        obj_id: 0 or more.

    Returns:
        (blue, green, red), each 0 to 255.

    Raises:
        ValueError: the id is negative.
    """
    obj_id = int(obj_id)
    if obj_id < 0:
        raise BadValue(f'object id: expected 0 or more, got {obj_id}; '
                       'objects without an id are not drawn')
    saturation, value = _TONES[obj_id // 8 % len(_TONES)]
    rgb = colorsys.hsv_to_rgb(obj_id * GOLDEN_RATIO % 1, saturation, value)
    red, green, blue = (round(255 * c) for c in rgb)
    return blue, green, red


def text_color(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on ``background`` (all BGR)."""
    blue, green, red = background
    luminance = 0.114 * blue + 0.587 * green + 0.299 * red
    return (0, 0, 0) if luminance > 110 else (255, 255, 255)
