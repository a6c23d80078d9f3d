"""How a model is saved and how it is loaded: the routes from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

from keras_build import can_build
from nets import Net

ENDINGS = {
    "weights": ".weights.h5",
    "keras": ".keras",
    "legacy": ".h5",
    "legacy-weights": ".h5",
    "tf": "",
    "objects": "",
    "saver": "",
    "saver-v1": "",
}
"""The formats and how their files' names end."""


@dataclass(frozen=True)
class Route:
    """A format and a loader.

    Attributes:
        library: who saves: `keras3`, `tf_keras`, `objects` or `graph`.
        format: one of `ENDINGS`.
        flavour: who loads.
        loader: the call.
        call: the loader's call as a person writes it.
    """

    library: str
    format: str
    flavour: str
    loader: str
    call: str

    @property
    def name(self) -> str:
        saved = f"{self.library}-{self.format}"
        return f"{saved}/{self.loader}" if self.library == self.flavour else f"{saved}/{self.flavour}.{self.loader}"

    def takes(self, source: Net, target: Net) -> bool:
        """Whether both networks can go this way."""
        for net, library in ((source, self.library), (target, self.flavour)):
            if library == "graph" and net.style != "variables":
                return False
            if library == "module" and net.style != "module":
                return False
            if library in ("keras3", "tf_keras") and not can_build(net, library):
                return False
        by_root = self.format == "objects"
        if not by_root and source.root != target.root:
            return False
        if self.format == "legacy" and self.library == "keras3":
            return source.style != "subclass"  # Keras 3 saves no subclassed model in this format
        return True


def _keras3(format: str, loader: str, call: str) -> Route:
    return Route("keras3", format, "keras3", loader, call)


def _tf_keras(format: str, loader: str, call: str) -> Route:
    return Route("tf_keras", format, "tf_keras", loader, call)


def _objects(library: str, loader: str, call: str) -> Route:
    return Route(library, "objects", library, loader, call)


PLAIN, SKIP, BY_NAME = (
    "model.load_weights(path)",
    "model.load_weights(path, skip_mismatch=True)",
    "model.load_weights(path, by_name=True)",
)
BY_NAME_SKIP = "model.load_weights(path, by_name=True, skip_mismatch=True)"

ROUTES = (
    _keras3("weights", "load_weights", PLAIN),
    _keras3("weights", "skip_mismatch", SKIP),
    _keras3("keras", "load_weights", PLAIN),
    _keras3("keras", "skip_mismatch", SKIP),
    _keras3("legacy", "load_weights", PLAIN),
    _keras3("legacy", "by_name", BY_NAME),
    _keras3("legacy", "skip_mismatch", SKIP),
    _keras3("legacy", "by_name_skip_mismatch", BY_NAME_SKIP),
    _tf_keras("legacy-weights", "load_weights", PLAIN),
    _tf_keras("legacy-weights", "by_name", BY_NAME),
    _tf_keras("legacy-weights", "by_name_skip_mismatch", BY_NAME_SKIP),
    _tf_keras("weights", "load_weights", PLAIN),
    _tf_keras("keras", "load_weights", PLAIN),
    _tf_keras("tf", "load_weights", PLAIN),
    _tf_keras("tf", "expect_partial", "model.load_weights(path).expect_partial()"),
    _tf_keras("tf", "assert_consumed", "model.load_weights(path).assert_consumed()"),
    Route("tf_keras", "legacy-weights", "keras3", "load_weights", PLAIN),
    Route("tf_keras", "legacy-weights", "keras3", "by_name", BY_NAME),
    Route("tf_keras", "weights", "keras3", "load_weights", PLAIN),
    Route("keras3", "weights", "tf_keras", "load_weights", PLAIN),
    Route("keras3", "legacy", "tf_keras", "load_weights", PLAIN),
    Route("keras3", "legacy", "tf_keras", "by_name", BY_NAME),
    *(
        _objects(library, loader, call)
        for library in ("keras3", "tf_keras", "module")
        for loader, call in (
            ("restore", "checkpoint.restore(path)"),
            ("assert_consumed", "checkpoint.restore(path).assert_consumed()"),
            ("assert_existing", "checkpoint.restore(path).assert_existing_objects_matched()"),
        )
    ),
    Route("graph", "saver", "graph", "saver_reference", "Saver().restore(session, path)"),
    Route("graph", "saver", "graph", "saver_resource", "Saver().restore(session, path)"),
    Route("graph", "saver", "graph", "saver_reshape_resource", "Saver(reshape=True).restore(session, path)"),
    Route("graph", "saver", "graph", "saver_reshape_reference", "Saver(reshape=True).restore(session, path)"),
    Route("graph", "saver-v1", "graph", "saver_resource", "Saver().restore(session, path)"),
)
