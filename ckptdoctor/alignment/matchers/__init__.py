"""Ways to tell which variable is which key, in the order in which they are believed."""

from __future__ import annotations

from collections.abc import Callable

from ckptdoctor.alignment.matchers import (
    dialects,
    elimination,
    equal_names,
    exported_list,
    keras_load,
    keras_order,
    keras_places,
    numbers,
    object_keys,
    object_order,
    objects,
    own_names,
    recorded_names,
    renumbered,
    scopes,
    shapes,
)
from ckptdoctor.alignment.unmatched import Matches, Unmatched

Matcher = Callable[[Unmatched], Matches]
"""Says which of what is left belongs together, and which cannot be told apart."""

BY_KEY: tuple[Matcher, ...] = (objects.match, object_keys.match, equal_names.match)
"""What a loader of TensorFlow's own finds: these read keys as they stand in the checkpoint."""

BY_NAME: tuple[Matcher, ...] = (
    keras_load.match,
    own_names.match,
    keras_places.match,
    recorded_names.match,
    renumbered.match,
    scopes.match,
    dialects.match,
    keras_order.match,
    object_order.match,
    exported_list.match,
    numbers.match,
    shapes.match,
    elimination.match,
)
"""What is meant where keys differ: these read the names that the checkpoint records, where it records any."""
