"""What is seen of a mark, in a picture of labels drawn by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hpe_volleyball.synthetic.render import _HIDDEN, _LABELS, Shapes, _sight

RADIUS = 20


@pytest.mark.parametrize(("strip", "visible"), [(6, False), (9, True), (20, True)])
def test_a_mark_is_visible_if_its_centre_and_half_of_it_are(strip: int, visible: bool) -> None:
    """Of a disc a strip of this half width about the centre: 41, 58 and 100 percent."""
    labels = np.full((200, 200), _HIDDEN, np.int32)
    cv2.circle(labels, (100, 100), RADIUS, 1, -1)
    labels[:, : 100 - strip] = labels[:, 100 + strip + 1 :] = _HIDDEN
    none = np.zeros(0)
    marks = _LABELS - 1
    keypoints, radii = np.full((1, marks, 2), 100.0), np.full((1, marks), float(RADIUS))
    shapes = Shapes(none, [], none, none, keypoints, radii, order=[0], far=np.zeros(1, np.bool_))
    sight = _sight(labels, shapes, 1.0, np.array([1.0]))
    assert sight.visible[0].tolist() == [visible] + [False] * (marks - 1)
