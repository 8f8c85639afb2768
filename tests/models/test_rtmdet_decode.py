"""Decode and NMS outside of the graph: plain reference, limits, classes, batch entries."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.models.rtmdet_decode import METADATA_KEY, Decoder, DecodeSettings, suppress
from hpe_volleyball.records import Floats
from hpe_volleyball.similarity import box_iou

SETTINGS = DecodeSettings((8, 16), 0.05, 0.6, 200, 5000, 100)
NAMES = ["scores_8", "scores_16", "sides_8", "sides_16"]


def maps(classes: int = 1, batch: int = 1) -> list[Floats]:
    """A head's outputs in which nothing is found, for an input of 32x32."""
    return [
        np.zeros((batch, classes, 4, 4), np.float32),
        np.zeros((batch, classes, 2, 2), np.float32),
        np.full((batch, 4, 4, 4), 4, np.float32),
        np.full((batch, 4, 2, 2), 4, np.float32),
    ]


def test_a_point_and_its_distances_become_a_box() -> None:
    outputs = maps()
    outputs[1][0, 0, 1, 0] = 0.75
    outputs[3][0, :, 1, 0] = [1, 2, 30, 40]
    dets, labels = Decoder(SETTINGS, NAMES).decode(outputs)
    # Row 1, column 0 of stride 16 lies at (0, 16), without half a point's offset.
    np.testing.assert_array_equal(dets, [[-1, 14, 30, 56, 0.75]])
    assert labels.tolist() == [0]


def test_points_of_a_wide_input_lie_row_by_row() -> None:
    """An input of 64x32: levels of 8x4 and 4x2 points."""
    shapes = ((1, 4, 8), (1, 2, 4), (4, 4, 8), (4, 2, 4))
    outputs = [np.full((1, *shape), 4 if shape[0] == 4 else 0, np.float32) for shape in shapes]
    outputs[0][0, 0, 1, 6], outputs[1][0, 0, 1, 2] = 0.9, 0.8
    dets, _ = Decoder(SETTINGS, NAMES).decode(outputs)
    # Column 6, row 1 of stride 8 lies at (48, 8); column 2, row 1 of stride 16 at (32, 16).
    np.testing.assert_array_equal(dets[:, :4], [[44, 4, 52, 12], [28, 12, 36, 20]])


def test_the_threshold_itself_is_not_enough() -> None:
    outputs = maps()
    outputs[0][0, 0, 0, :2] = np.float32(0.05), np.nextafter(np.float32(0.05), np.float32(1))
    dets, _ = Decoder(SETTINGS, NAMES).decode(outputs)
    assert len(dets) == 1
    assert dets[0, 0] == 8 - 4


def test_equal_scores_keep_the_order_of_the_points() -> None:
    outputs = maps()
    outputs[0][0, 0, 3, 3] = outputs[0][0, 0, 0, 0] = outputs[1][0, 0, 0, 1] = 0.5
    dets, _ = Decoder(SETTINGS, NAMES).decode(outputs)
    assert dets[:, 0].tolist() == [-4, 20, 12]


def test_classes_do_not_suppress_each_other_and_the_best_come_first() -> None:
    outputs = maps(classes=3)
    outputs[0][0, :, 2, 2] = [0.2, 0, 0.9]
    dets, labels = Decoder(SETTINGS, NAMES).decode(outputs)
    assert labels.tolist() == [2, 0]
    np.testing.assert_allclose(dets[:, 4], [0.9, 0.2])


def test_every_picture_of_a_batch_has_its_own_boxes() -> None:
    outputs = maps(batch=3)
    for entry in range(3):
        outputs[0][entry, 0, 0, entry] = 0.5
    decoder = Decoder(SETTINGS, NAMES)
    assert [decoder.decode(outputs, entry)[0][0, 0] for entry in range(3)] == [-4, 4, 12]


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        (DecodeSettings((8, 16), 0.05, 0.6, 2, 5000, 100), 2),
        (DecodeSettings((8, 16), 0.05, 0.6, 200, 3, 100), 3),
        (DecodeSettings((8, 16), 0.05, 0.6, 200, 5000, 4), 4),
    ],
)
def test_limits_keep_the_best(settings: DecodeSettings, count: int) -> None:
    outputs = maps()
    outputs[0][0, 0] = np.linspace(0.1, 0.9, 16, dtype=np.float32).reshape(4, 4)
    dets, _ = Decoder(settings, NAMES).decode(outputs)
    np.testing.assert_allclose(dets[:, 4], np.linspace(0.1, 0.9, 16)[::-1][:count], rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_the_textbook_s(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 60, (80, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 40, (80, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    expected: list[int] = []
    overlap = box_iou(boxes, boxes)
    for row in range(len(boxes)):
        if all(overlap[row, other] <= 0.5 for other in expected):
            expected.append(row)
    assert 5 < len(expected) < 70
    assert suppress(boxes, 0.5, 1000).tolist() == expected
    assert suppress(boxes, 0.5, 3).tolist() == expected[:3]
    swapped = boxes[:, [2, 3, 0, 1]]
    assert suppress(swapped, 0.5, 1000).tolist() == expected


def test_boxes_without_area_neither_suppress_nor_go() -> None:
    flat = np.array([[5, 5, 5, 9], [5, 5, 5, 9], [0, 0, 10, 10]], np.float32)
    assert suppress(flat, 0.5, 10).tolist() == [0, 1, 2]


def test_settings_survive_the_metadata() -> None:
    assert DecodeSettings.from_json(SETTINGS.to_json()) == SETTINGS
    assert Decoder.of({}, NAMES) is None
    assert Decoder.of({METADATA_KEY: SETTINGS.to_json()}, NAMES) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        SETTINGS.to_json()[:-9],
        SETTINGS.to_json().replace("[8, 16]", "[]"),
        SETTINGS.to_json().replace("[8, 16]", '["8", 16]'),
        SETTINGS.to_json().replace("0.6", "null"),
        SETTINGS.to_json().replace("5000", "0.5"),
    ],
)
def test_damaged_settings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="found no decode settings"):
        DecodeSettings.from_json(text)


def test_a_missing_output_is_named() -> None:
    with pytest.raises(ValueError, match=r"found outputs scores_8, .* without scores_16, sides_16"):
        Decoder(SETTINGS, ["scores_8", "sides_8"])
