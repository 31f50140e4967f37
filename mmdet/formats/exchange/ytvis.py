"""YouTube-VIS json: annotation files of 2019, 2021, 2022 and OVIS, and this package's own."""
import json
import tempfile
from collections.abc import Iterator
from typing import IO

from mmdet.formats.annotation_checks import check_dataset
from mmdet.formats.entries import is_box, is_finite, mask_lists, num_frames, video_name
from mmdet.formats.exchange.format import FORMATS, PROPERTIES, Format, Given
from mmdet.formats.exchange.json_entries import category_entries, read_categories, unknown_keys
from mmdet.formats.exchange.numbering import NEW_NUMBERS, NEW_VIDEOS, kept_or_new
from mmdet.formats.exchange.tracks import EMPTY, Category, Contents, Mark, Track, Video
from mmdet.formats.rle import short
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import atomic_write, told

LEVELS = 'no_occlusion', 'slight_occlusion', 'severe_occlusion'  # as OVIS writes them
PER_FRAME = 'segmentations', 'bboxes', 'scores', 'occlusion'
KNOWN = {'id', 'video_id', 'category_id', 'iscrowd', 'score', 'areas', 'height', 'width',
         *PER_FRAME}


@FORMATS.register_module(name='ytvis')
class YouTubeVIS(Format):
    """An annotation file; ``score``, ``scores`` and ``occlusion`` stand where somebody said them.

    Reading needs the memory of the parsed json, as training on it does. Writing keeps one video
    in memory, and the annotations in a temporary file until all ids and classes are known.

    Args:
        renumber: number videos, objects and classes from 1, whatever they were.
    """
    title = 'YouTube-VIS json'
    keeps = frozenset(PROPERTIES)

    def __init__(self, renumber: bool = False) -> None:
        super().__init__()
        self.renumber = renumber

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A json with lists "videos" and "categories", and no images."""
        return (isinstance(given.top('videos'), list) and given.top('images') is None
                and isinstance(given.top('categories'), list))

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`; every mask is checked, none decoded."""
        check_dataset(given.json, given.path)
        index = YTVOS(given.json)
        index.name = given.path
        categories = read_categories(index.dataset['categories'], given.path)
        self.lost += unknown_keys(index.anns.values(), KNOWN, 'annotations')
        self.lost += unknown_keys(index.vids.values(), ('id', 'width', 'height', 'file_names'),
                                  'videos')
        return Contents(categories, read_videos(index, categories, self))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a json file."""
        with told(out), tempfile.TemporaryFile('w+', encoding='utf-8') as spool:
            videos: list[dict] = []
            heads: list[tuple] = []
            for video in contents.videos:
                for track in video.tracks:
                    heads.append((track.id, len(videos), track.category))
                    spool.write(json.dumps(_tail(track, len(video)), allow_nan=False)[1:] + '\n')
                videos.append(dict(id=video.id, width=video.width, height=video.height,
                                   length=len(video), file_names=video.file_names))
            spool.seek(0)
            with atomic_write(out, 'w') as file:
                self._write(file, videos, heads, spool, contents.categories)

    def _write(self, file: IO[str], videos: list[dict], heads: list[tuple], spool: IO[str],
               categories: list[Category]) -> None:
        listed = category_entries(categories, {category for _, _, category in heads},
                                  self.lost, keep=not self.renumber)
        category_ids = {entry['name']: entry['id'] for entry in listed}
        numbers, new = kept_or_new([video['id'] for video in videos], lowest=0,
                                   keep=not self.renumber)
        self.lost[NEW_VIDEOS] += new
        for video, number in zip(videos, numbers):
            video['id'] = number
        ids, new = kept_or_new([key for key, _, _ in heads], keep=not self.renumber)
        self.lost[NEW_NUMBERS] += new
        file.write(f'{{"videos":{_json(videos)},"annotations":[')
        for place, ((_, video, category), tail) in enumerate(zip(heads, spool)):
            head = dict(id=ids[place], video_id=numbers[video], category_id=category_ids[category])
            file.write(f'{"," if place else ""}{_json(head)[:-1]},{tail.rstrip()}')
        file.write(f'],"categories":{_json(listed)}}}')


def read_videos(index: YTVOS, categories: list[Category], reader: Format) -> Iterator[Video]:
    """The videos of an annotation file, or of results.

    Args:
        index: the file.
        categories: its classes.
        reader: hears of what was lost and assumed.

    Raises:
        ValueError: a mask, box or score is unusable.
    """
    names = {category.id: category.name for category in categories}
    for entry in index.dataset['videos']:
        files = entry.get('file_names')
        if files is None:
            files = [f'{entry["id"]}/{frame:05d}.jpg' for frame in range(num_frames(entry))]
            reader.notes.append(f'{index.name}: video {entry["id"]} has no file_names; frames are '
                                f'taken to be {files[:1]} and so on')
        video = Video(video_name(entry), files, entry['width'], entry['height'], id=entry['id'])
        anns = index.vidToAnns.get(entry['id'], [])
        masks = index.annsToRLEs([dict(ann, segmentations=ann.get('segmentations') or [])
                                  for ann in anns])
        for ann, (rles, areas) in zip(anns, masks):
            full = [rle if area else None for rle, area in zip(rles, areas)]
            reader.lost[EMPTY] += full.count(None) - rles.count(None)
            where = f'{index.name}: annotation {ann["id"]}'
            track = Track(ann['id'], names[ann['category_id']],
                          score=_number(ann.get('score'), where),
                          iscrowd=bool(ann.get('iscrowd')))
            track.marks = dict(_marks(ann, full, len(files), where))
            video.tracks.append(track)
        yield video


def _json(content: object) -> str:
    return json.dumps(content, separators=(',', ':'), allow_nan=False)


def _tail(track: Track, length: int) -> dict:
    """What an annotation says, but its ids."""
    frames = [track.marks.get(frame) for frame in range(length)]
    lists = mask_lists([None if mark is None else mark.rle for mark in frames])
    for frame, mark in track.marks.items():
        if mark.box is not None:
            lists['bboxes'][frame] = list(mark.box)
            if mark.rle is None:
                lists['areas'][frame] = mark.box[2] * mark.box[3]
    tail = dict(iscrowd=int(track.iscrowd), **lists)
    if track.score is not None:
        tail['score'] = track.score
    if any(mark.score is not None for mark in track.marks.values()):
        tail['scores'] = [mark and mark.score for mark in frames]
    if any(mark.occlusion is not None for mark in track.marks.values()):
        tail['occlusion'] = [None if mark is None or mark.occlusion is None
                             else LEVELS[mark.occlusion] for mark in frames]
    return tail


def _number(value: object, where: str) -> float | None:
    if value is not None and not is_finite(value):
        raise BadValue(f'{where}: expected a finite number as its score, got {short(value)}')
    return None if value is None else float(value)  # type: ignore[arg-type]


def _marks(ann: dict, rles: list[dict | None], length: int, where: str
           ) -> Iterator[tuple[int, Mark]]:
    """The marks of an annotation, by frame."""
    lists = {key: ann.get(key) for key in PER_FRAME}
    boxes, scores, levels = (
        value if isinstance(value, list) and len(value) == length else [None] * length
        for value in (lists['bboxes'], lists['scores'], lists['occlusion']))
    for frame in range(length):
        rle = rles[frame] if frame < len(rles) else None
        box = boxes[frame]
        if box is not None and not is_box(box):
            raise BadValue(f'{where}, frame {frame}: expected a box [x, y, width, height] in '
                           f'pixels or null, got {short(box)}')
        if rle is None and (box is None or not box[2] * box[3]):
            continue
        level = LEVELS.index(levels[frame]) if levels[frame] in LEVELS else None
        yield frame, Mark(rle, box and tuple(box), _number(scores[frame], where), level)
