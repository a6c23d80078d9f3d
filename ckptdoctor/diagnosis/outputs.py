"""What the number of outputs of a last layer is made up of."""

from __future__ import annotations

_DATASETS = {
    10: "CIFAR-10 or MNIST",
    20: "Pascal VOC",
    21: "Pascal VOC and the background",
    80: "COCO",
    81: "COCO and the background",
    90: "COCO's 90 ids",
    91: "COCO's 90 ids and the background",
    100: "CIFAR-100",
    1000: "ImageNet",
    1001: "ImageNet and the background",
}
_BOX = 4
_YOLO_ANCHORS, _YOLO_BOX = 3, 5


def read_outputs(count: int, *, boxes: bool = False, yolo: bool = False) -> str:
    """A count in words: `84 = 4 coordinates x 21 classes (Pascal VOC and the background)`.

    Args:
        count: the number of outputs.
        boxes: whether four of them make a box for each class.
        yolo: whether they are YOLO's anchors, each with its box, its score and its classes.
    """
    if boxes and count % _BOX == 0:
        return f"{count} = {_BOX} coordinates x {classes_of(count // _BOX)}"
    if yolo and count % _YOLO_ANCHORS == 0:
        classes = count // _YOLO_ANCHORS - _YOLO_BOX
        return f"{count} = {_YOLO_ANCHORS} anchors x ({classes_of(classes)} + {_YOLO_BOX})"
    return classes_of(count)


def classes_of(count: int) -> str:
    """A number of classes, with the dataset that has as many."""
    known = f" ({_DATASETS[count]})" if count in _DATASETS else ""
    return f"{count} classes{known}"


def is_yolo(lhs: int, rhs: int) -> bool:
    """Whether two counts are both YOLO's: three anchors with a box, a score and at least one class each."""
    return all(
        count % _YOLO_ANCHORS == 0 and count // _YOLO_ANCHORS > _YOLO_BOX and count % 5 == 0 for count in (lhs, rhs)
    ) or all(count % _YOLO_ANCHORS == 0 and count // _YOLO_ANCHORS - _YOLO_BOX in _DATASETS for count in (lhs, rhs))
