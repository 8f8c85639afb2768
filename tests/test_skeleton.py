"""The skeletons are those of COCO, Halpe and COCO-WholeBody, as rtmlib lists them."""

from __future__ import annotations

from typing import Any

import pytest
from rtmlib.visualization import skeleton as reference

from hpe_volleyball.skeleton import BY_COUNT, COCO17, COCO_SIGMAS, HALPE26, WHOLEBODY133, Skeleton

REFERENCES = [
    (COCO17, reference.coco17),
    (HALPE26, reference.halpe26),
    (WHOLEBODY133, reference.coco133),
]
SKELETONS = pytest.mark.parametrize("skeleton", BY_COUNT.values(), ids=lambda s: s.name)


def same_name(name: str) -> str:
    """Our spelling of rtmlib's names."""
    return name.replace("face-", "face_").replace("hand_root", "hand_0")


@pytest.mark.parametrize(("skeleton", "theirs"), REFERENCES, ids=lambda s: getattr(s, "name", ""))
def test_body_keypoints_are_in_the_reference_order(
    skeleton: Skeleton, theirs: dict[str, Any]
) -> None:
    info = theirs["keypoint_info"]
    assert len(skeleton.names) == len(info)
    body = min(len(info), 23)
    assert list(skeleton.names[:body]) == [info[i]["name"] for i in range(body)]


@pytest.mark.parametrize(("skeleton", "theirs"), REFERENCES, ids=lambda s: getattr(s, "name", ""))
def test_limbs_are_those_of_the_reference(skeleton: Skeleton, theirs: dict[str, Any]) -> None:
    index = {point["name"]: i for i, point in theirs["keypoint_info"].items()}
    links = [link["link"] for link in theirs["skeleton_info"].values()]
    wanted = {frozenset((index[a], index[b])) for a, b in links}
    limbs = {frozenset(edge) for edge in skeleton.edges}
    assert len(limbs) == len(skeleton.edges)
    assert limbs <= wanted
    # Lines of the head that only hide the face are left out.
    head = set(range(5)) | {5, 6}
    assert all(edge <= head for edge in wanted - limbs)


@SKELETONS
def test_left_mirrors_right(skeleton: Skeleton) -> None:
    def mirrored(name: str) -> str:
        side, _, rest = name.partition("_")
        return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)

    assert len(set(skeleton.names)) == len(skeleton.names)
    assert {mirrored(name) for name in skeleton.names} == set(skeleton.names)
    assert {skeleton.side(k) for k in range(len(skeleton.names))} == {"left", "right", "middle"}


def test_sides_of_points_and_limbs() -> None:
    names = COCO17.names
    assert COCO17.side(names.index("nose")) == "middle"
    assert COCO17.side(names.index("left_wrist")) == "left"
    assert COCO17.side(names.index("right_ankle")) == "right"
    assert COCO17.edge_side((5, 7)) == "left"
    assert COCO17.edge_side((0, 2)) == "right"
    assert COCO17.edge_side((5, 6)) == "middle"


def test_a_model_is_known_by_its_number_of_keypoints() -> None:
    assert {count: skeleton.name for count, skeleton in BY_COUNT.items()} == {
        17: "coco17",
        26: "halpe26",
        133: "wholebody133",
    }
    assert len(COCO_SIGMAS) == 17
    assert COCO_SIGMAS[0] == pytest.approx(0.026)
