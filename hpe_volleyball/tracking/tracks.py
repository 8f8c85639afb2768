"""One person's track, and the rows it leaves for the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.carrying import Anchor, Array, Place

_CARRY_S = 0.5
"""For how long a person who is not detected, but whose pose is seen, is in the results."""
_LEAST_SIDE = 4.0
"""A person of whom less than this many pixels are in the picture has left."""
_ASTRAY_IOU = 0.6
"""A carried box that overlaps the detection by less than this has gone astray."""
_HIDDEN_S = 0.1
"""For how long a person whose pose is not seen is in the results."""


@dataclass(slots=True)
class TrackRow:
    """What the results will say of one person in one frame."""

    box: Array
    score: float
    detected: bool
    pose: tuple[Array, Array] | None
    """None: to be estimated at the settled box."""
    looked: bool = True
    """The pose was looked for in this frame."""
    between: bool = False
    """On a path along which the pose was seen, from one detection to the next."""


@dataclass(slots=True, eq=False)
class Track:
    """One person."""

    place: Place
    anchor: Anchor
    score: float
    found_s: float
    """Time of the last detection."""
    id: int = 0
    """0 until confirmed."""
    missed: bool = False
    """Not found at the last keyframe."""
    rows: dict[int, TrackRow] = field(default_factory=dict)
    """By frame number, until the frame is settled."""

    def found(self, frame: Frame, anchor: Anchor, score: float, *, detected: bool = True) -> None:
        """A detector found this person: a row, and the place from which to carry on.

        Args:
            frame: The keyframe.
            anchor: The detection, or the carried place that it confirmed.
            score: Of the detection.
            detected: The anchor is the detection.
        """
        self.rows[frame.index] = TrackRow(
            anchor.box, score, detected=detected, pose=(anchor.keypoints, anchor.scores)
        )
        self.anchor, self.score = anchor, score
        self.found_s, self.missed = frame.time_s, False

    def bend(self, frames: Sequence[Frame], places: Sequence[Place], score: float) -> None:
        """Rows for the frames between two detections: the carried path, ending in the second.

        If the path ends far from the second, somebody else was followed on the way; then the rows
        lie on a straight line.

        Args:
            frames: Those behind the first detection; the last one holds the second.
            places: Where the person was carried to in each of them.
            score: Of the second detection.
        """
        first, last = self.place.box, self.anchor.box
        miss = last - places[-1].box
        astray = box_iou(places[-1].box[None], last[None])[0, 0] < _ASTRAY_IOU
        for k, (frame, place) in enumerate(zip(frames[:-1], places[:-1], strict=True), 1):
            share = k / len(frames)
            if astray:
                box = first + share * (last - first)
                self.rows[frame.index] = TrackRow(box, score, detected=False, pose=None)
            else:
                box = place.box + share * miss
                self.rows[frame.index] = carried_row(box, score, place)
                self.rows[frame.index].between = not place.blind_s

    def carried(self, frame: Frame, place: Place) -> None:
        """A row for a person whom no detection vouches for, as far as the evidence goes."""
        carried_s = frame.time_s - self.found_s
        # Nobody is missing before a keyframe says so, however long the interval.
        in_time = carried_s <= _CARRY_S or not self.missed
        if in_time and place.blind_s <= _HIDDEN_S and in_picture(place.box):
            fading = self.score * (1 - 0.5 * min(1.0, carried_s / _CARRY_S))
            self.rows[frame.index] = carried_row(place.box, fading, place)


def carried_row(box: Array, score: float, place: Place) -> TrackRow:
    """What the results will say of somebody carried to a place."""
    pose = None if place.blind_s else (place.keypoints, place.scores)
    return TrackRow(box, score, detected=False, pose=pose, looked=not place.unlooked_s)


def in_picture(box: Array) -> bool:
    """Enough of a clipped box is left to be somebody."""
    return bool((box[2:] - box[:2] >= _LEAST_SIDE).all())
