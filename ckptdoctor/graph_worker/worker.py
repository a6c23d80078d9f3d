"""Builds the user's graph in a process of its own and says what is in it.

This file is run by path, under the interpreter that the user names and that need not have ckptdoctor: it imports nothing
of the package and keeps to conservative syntax. Usage: `python worker.py FD REQUEST`; REQUEST is JSON, and one JSON
answer is written to the file descriptor FD. `ckptdoctor/graphs/child.py` is the other end.

    request := {action: "trace" | "restore" | "run", target, name, inputs, args, restore, outputs, seed}
    answer  := {graph: {kind, variables, files, distributions, notes, function, objects, wrapped, config,
                keras_version}, restore: …, run: …} | {error: {…}}
"""

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import sys
import traceback
import types

from . import consumers, keras_layers, operations

NETWORK_MESSAGE = "no downloads while ckptdoctor builds a graph"
PACKAGE = os.path.dirname(os.path.abspath(__file__))
STDLIB = os.path.dirname(os.path.abspath(os.__file__))
TF1_MODULES = ("tf_slim", "tensorflow.compat.v1", "tensorflow.contrib")
NOT_BUILDERS = ("main", "train", "evaluate", "eval", "test", "run", "parse_args", "get_args", "load_data")


class Problem(Exception):
    """A failure to be shown to the user."""

    def __init__(self, kind, message, hint="", details=""):
        Exception.__init__(self, message)
        self.answer = {"kind": kind, "message": message, "hint": hint, "details": details}


class Stop(BaseException):
    """The user's program starts to use the graph: what was built until now is the graph."""


# --- Where code comes from ------------------------------------------------------------------------------------------


def is_local(path):
    """Whether a source file is the user's: not of an installed package, not of Python, not this one."""
    if not path or path.startswith("<"):
        return False
    path = os.path.abspath(path)
    if path.startswith(PACKAGE + os.sep) or "site-packages" in path or "dist-packages" in path:
        return False
    return not path.startswith(STDLIB + os.sep)


class Sources(object):
    """The files that the graph depends on: Python modules of the user's and what they read."""

    def __init__(self, target_file):
        self.target = target_file
        self.opened = set()

    def watch(self):
        sys.addaudithook(self._audit)

    def _audit(self, event, args):
        if event != "open" or not isinstance(args[0], str) or not isinstance(args[2], int):
            return
        if args[2] & (os.O_WRONLY | os.O_RDWR):
            return
        path = os.path.abspath(args[0])
        if (
            is_local(path)
            and not path.endswith(".pyc")
            and path.startswith((os.getcwd(), os.path.dirname(self.target)))
        ):
            self.opened.add(path)

    def files(self):
        found = {os.path.abspath(self.target)} | self.opened
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.endswith(".py") and is_local(path):
                found.add(os.path.abspath(path))
        return sorted(path for path in found if os.path.isfile(path))

    def frames(self, stack):
        """The user's frames of a stack, innermost first: the target's own where nothing else is local."""
        local = [(name, line) for name, line in stack if is_local(name)]
        if not local:
            local = [(name, line) for name, line in stack if os.path.abspath(name) == os.path.abspath(self.target)]
        return local[::-1]


def calling_frames():
    frame = sys._getframe(1)
    stack = []
    while frame is not None:
        stack.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return stack[::-1]


def distributions():
    """Directories whose names carry the versions of the frameworks: while they exist, nothing was upgraded."""
    try:
        from importlib import metadata
    except ImportError:
        return []
    found = []
    for name in (
        "tensorflow",
        "tensorflow-cpu",
        "tensorflow-macos",
        "tf-nightly",
        "keras",
        "tf-keras",
        "tf-slim",
        "numpy",
    ):
        try:
            location = metadata.distribution(name)._path
        except Exception:
            continue
        found.append(str(location))
    return sorted(set(found))


# --- Which API the source was written for ---------------------------------------------------------------------------


def local_sources(path):
    """Syntax trees of a file and of the modules beside it that it imports, each once."""
    pending, trees = [path], {}
    while pending:
        current = pending.pop()
        if current in trees:
            continue
        with open(current, "rb") as handle:
            source = handle.read()
        trees[current] = tree = ast.parse(source, current)
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                names = [base] + [base + "." + alias.name if base else alias.name for alias in node.names]
            for name in names:
                for root in {os.path.dirname(current), os.path.dirname(path), os.getcwd()}:
                    stem = os.path.join(root, *name.split("."))
                    for candidate in (stem + ".py", os.path.join(stem, "__init__.py")):
                        if name and os.path.isfile(candidate) and is_local(candidate):
                            pending.append(candidate)
    return trees


def imported_names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, alias.asname or alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module + "." + alias.name, alias.asname or alias.name


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, parts[::-1]) if isinstance(node, ast.Name) else (None, [])


def written_for(trees, tensorflow):
    """`tf1` for sources that need TensorFlow 1's names, `compat` for those that ask for tf.compat.v1, else `tf2`."""
    found = "tf2"
    for tree in trees.values():
        aliases = set()
        for module, alias in imported_names(tree):
            if module == "tensorflow" or module.startswith("tensorflow."):
                if module.startswith("tensorflow.contrib"):
                    return "tf1"
                if module == "tensorflow":
                    aliases.add(alias.split(".")[0])
            if module.startswith(TF1_MODULES):
                found = "compat"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                root, names = dotted(node)
                if root not in aliases:
                    continue
                if names[:2] == ["compat", "v1"]:
                    found = "compat"
                elif not has_path(tensorflow, names[:2]) and (names[0] == "contrib" or has_v1_name(tensorflow, names)):
                    return "tf1"
    return found


def has_path(module, names):
    for name in names:
        try:
            module = getattr(module, name)
        except Exception:
            return False
        if not isinstance(module, types.ModuleType):
            return True
    return True


def has_v1_name(tensorflow, names):
    return names[0] in ("layers", "app", "flags", "Session", "placeholder") or has_path(tensorflow.compat.v1, names[:2])


# --- TensorFlow 1's names on today's TensorFlow ---------------------------------------------------------------------


class Gathered(types.ModuleType):
    """A module that looks its names up in several others."""

    def __init__(self, name, sources):
        types.ModuleType.__init__(self, name)
        self.__path__ = []
        self._sources = sources

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        for source in self._sources:
            try:
                return getattr(source, name)
            except AttributeError:
                continue
        raise AttributeError("%s.%s has no counterpart in today's TensorFlow or tf_slim" % (self.__name__, name))


def optional_module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return types.ModuleType(name)


def install_normalization(tensorflow):
    """Batch normalisation of tf.layers and tf_slim, which TensorFlow keeps in tf_keras, where that is not installed."""
    name = "tf_keras.legacy_tf_layers.normalization"
    if "tf_keras" in sys.modules or importlib.util.find_spec("tf_keras") is not None:
        return
    v1 = tensorflow.compat.v1
    base = optional_module("tensorflow.python.keras.legacy_tf_layers.base")
    if not hasattr(base, "Layer"):
        return

    class BatchNormalization(base.Layer):
        def __init__(
            self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer=None,
            gamma_initializer=None, moving_mean_initializer=None, moving_variance_initializer=None,
            beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, renorm=False,
            renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True, virtual_batch_size=None,
            adjustment=None, name=None, **kwargs
        ):  # fmt: skip
            if renorm or virtual_batch_size or adjustment:
                raise Problem(
                    "missing-package", "batch renormalisation needs tf_keras, and it is not installed", "tf-keras"
                )
            base.Layer.__init__(self, trainable=trainable, name=name, **kwargs)
            self.axis = axis[0] if isinstance(axis, (list, tuple)) else axis
            self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
            self.parts = (
                ("gamma", scale, gamma_initializer or v1.ones_initializer(), gamma_regularizer, gamma_constraint),
                ("beta", center, beta_initializer or v1.zeros_initializer(), beta_regularizer, beta_constraint),
                ("moving_mean", True, moving_mean_initializer or v1.zeros_initializer(), None, None),
                ("moving_variance", True, moving_variance_initializer or v1.ones_initializer(), None, None),
            )

        def build(self, input_shape):
            size = int(input_shape[self.axis])
            for key, wanted, initializer, regularizer, constraint in self.parts:
                value = None
                if wanted:
                    value = self.add_weight(
                        name=key, shape=(size,), dtype=self.dtype, initializer=initializer, regularizer=regularizer,
                        constraint=constraint, trainable=self.trainable and not key.startswith("moving"),
                    )  # fmt: skip
                setattr(self, key, value)
            self.built = True

        def call(self, inputs, training=False):
            rank = inputs.shape.rank
            axis = self.axis % rank
            others = [position for position in range(rank) if position != axis]
            along = [-1 if position == axis else 1 for position in range(rank)]

            def normalized(mean, variance):
                parts = [value if value is None else v1.reshape(value, along) for value in (self.beta, self.gamma)]
                mean, variance = v1.reshape(mean, along), v1.reshape(variance, along)
                return v1.nn.batch_normalization(inputs, mean, variance, parts[0], parts[1], self.epsilon)

            if training is False or training is None or training == 0:
                return normalized(self.moving_mean, self.moving_variance)
            mean, variance = v1.nn.moments(inputs, others)
            if training is True or training == 1:
                for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                    update = v1.assign_sub(average, (average - value) * (1 - self.momentum))
                    v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, update)
                return normalized(mean, variance)
            return v1.cond(
                training,
                lambda: normalized(mean, variance),
                lambda: normalized(self.moving_mean, self.moving_variance),
            )

    def batch_normalization(inputs, *args, **kwargs):
        training, reuse = kwargs.pop("training", False), kwargs.pop("reuse", None)
        layer = BatchNormalization(*args, _reuse=reuse, _scope=kwargs.get("name"), **kwargs)
        return layer.apply(inputs, training=training)

    module = types.ModuleType(name)
    module.BatchNormalization = module.BatchNorm = BatchNormalization
    module.batch_normalization = module.batch_norm = batch_normalization
    parts = name.split(".")
    for index in range(1, len(parts)):
        package = types.ModuleType(".".join(parts[:index]))
        package.__path__ = []
        sys.modules[package.__name__] = package
        if index > 1:
            setattr(sys.modules[".".join(parts[: index - 1])], parts[index - 1], package)
    setattr(sys.modules[".".join(parts[:-1])], parts[-1], module)
    sys.modules[name] = module


def install_tf1(tensorflow):
    """Makes `import tensorflow` give the v1 API, with tf.contrib on tf_slim, and tf.layers and rnn cells as they were."""
    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    layers = Gathered(
        "tensorflow.layers",
        [optional_module("tensorflow.python.layers.layers"), optional_module("tensorflow.python.layers.normalization")],
    )
    cells = Gathered(
        "tensorflow.nn.rnn_cell",
        [
            optional_module("tensorflow.python.keras.layers.legacy_rnn.rnn_cell_impl"),
            optional_module("tensorflow.python.keras.layers.legacy_rnn.rnn_cell_wrappers"),
        ],
    )
    try:
        slim = importlib.import_module("tf_slim")
    except ImportError:
        slim = None
    sources = [v1, v1.train, v1.nn, v1.layers, v1.losses, v1.initializers]
    parts = {}
    if slim is not None:
        sources = [slim, slim.layers, importlib.import_module("tf_slim.layers.layers"), slim.learning] + sources
        parts["slim"] = slim
        parts["slim.nets"] = optional_module("tf_slim.nets")
    for name in ("layers", "framework", "losses", "metrics", "training", "summary", "opt", "seq2seq"):
        parts[name] = Gathered("tensorflow.contrib." + name, sources)
    parts["rnn"] = Gathered("tensorflow.contrib.rnn", [cells, v1.nn])
    contrib = Gathered("tensorflow.contrib", [])
    for name, module in parts.items():
        if "." not in name:
            setattr(contrib, name, module)
        sys.modules["tensorflow.contrib." + name] = module
    if slim is None:
        contrib.__class__ = WithoutSlim
    v1.contrib = contrib
    v1.layers = layers
    v1.nn.rnn_cell = cells
    v1.__path__ = tensorflow.__path__
    sys.modules["tensorflow.contrib"] = contrib
    sys.modules["tensorflow"] = v1
    install_tutorials()


class WithoutSlim(Gathered):
    def __getattr__(self, name):
        if name == "slim":
            raise Problem("missing-package", "the graph uses tf.contrib.slim, and tf_slim is not installed", "tf-slim")
        return Gathered.__getattr__(self, name)


def install_tutorials():
    """TensorFlow 1's MNIST helper is gone; graphs that only import it still build."""

    def read_data_sets(*args, **kwargs):
        raise Stop("the program reads MNIST")

    data = types.ModuleType("tensorflow.examples.tutorials.mnist.input_data")
    data.read_data_sets = read_data_sets
    parent = None
    for name in ("examples", "examples.tutorials", "examples.tutorials.mnist"):
        module = types.ModuleType("tensorflow." + name)
        module.__path__ = []
        sys.modules["tensorflow." + name] = module
        if parent is not None:
            setattr(parent, name.split(".")[-1], module)
        parent = module
    parent.input_data = data
    sys.modules[data.__name__] = data


# --- What a trace must not do ---------------------------------------------------------------------------------------


def forbid_network():
    import socket

    connect = socket.socket.connect

    def refuse(self, address):
        if self.family == getattr(socket, "AF_UNIX", None):
            return connect(self, address)
        raise OSError(NETWORK_MESSAGE)

    socket.socket.connect = refuse
    socket.getaddrinfo = lambda *args, **kwargs: (_ for _ in ()).throw(OSError(NETWORK_MESSAGE))


def stop_at(owner, names):
    for name in names:
        if hasattr(owner, name):

            def stop(*args, _name=name, **kwargs):
                raise Stop("the program calls %s" % _name)

            setattr(owner, name, stop)


class Keras3(object):
    """Keras 3 models without one allocated weight: variables made under its stateless scope stay uninitialised."""

    def __init__(self, sources, allocate):
        self.stacks = {}
        self.sources = sources
        import keras
        from keras.src.backend.common import stateless_scope
        from keras.src.backend.common.variables import Variable
        from keras.src.utils import file_utils

        self.keras = keras
        # Weights that a graph asks for by URL are not what its variables are.
        file_utils.get_file = lambda *args, **kwargs: "not-downloaded.weights.h5"
        keras.Model.load_weights = lambda self, *args, **kwargs: None
        if not allocate:
            stop_at(keras.Model, ("fit", "evaluate", "predict", "train_on_batch", "predict_on_batch"))
            self.scope = stateless_scope.StatelessScope(initialize_variables=False)
            self.scope.__enter__()
            # An optimizer tells variables apart by the number of their values, which these have not.
            from keras.src.backend.tensorflow.optimizer import TFOptimizer

            TFOptimizer._var_key = lambda optimizer, variable: id(variable)
        create = Variable.__init__
        stacks = self.stacks

        def remember(variable, initializer, *args, **kwargs):
            if not allocate and not callable(initializer):
                import numpy

                value = numpy.asarray(initializer)
                kwargs["shape"] = value.shape
                if not args:
                    kwargs.setdefault("dtype", value.dtype.name if value.dtype.kind in "fib" else None)
                initializer = lambda shape, dtype=None: value
            create(variable, initializer, *args, **kwargs)
            # The variable itself is kept too, so that its id stays its own.
            stacks[id(variable)] = (variable, calling_frames())

        Variable.__init__ = remember

    def describe(self, model):
        return self.describe_weights(model.weights, model._flatten_layers(), self.places(model))

    def describe_weights(self, weights, layers, places):
        uses = {}
        graph = keras_layers.graph_of_layers()
        for layer in layers:
            for weight in list(getattr(layer, "_trainable_variables", [])) + list(
                getattr(layer, "_non_trainable_variables", [])
            ):
                uses[id(weight)] = keras_layers.consumer_of_weight(graph, layer, weight)
        described = []
        for weight in weights:
            stack = self.stacks.get(id(weight), (None, []))[1]
            described.append(
                {
                    "name": weight.path,
                    "key": weight.path,
                    "shape": [int(size) for size in weight.shape],
                    "dtype": str(weight.dtype),
                    "trainable": bool(weight.trainable),
                    "resource": True,
                    "collections": [],
                    "frames": self.sources.frames(stack),
                    "consumer": uses.get(id(weight)),
                    "stored": places.get(id(weight), ""),
                }
            )
        return described

    def places(self, model):
        """Where Keras puts each variable in a `.weights.h5` file: its own traversal, writing into nothing."""
        try:
            from keras.src.saving import saving_lib

            found = {}

            class Entries(dict):
                def __init__(self, path):
                    dict.__init__(self)
                    self.path = path

                def __setitem__(self, key, value):
                    found.setdefault(id(value), "/".join([part for part in (self.path, "vars", key) if part]))

            class Nowhere(saving_lib.H5IOStore):
                def __init__(self):
                    self.h5_file = None

                def __bool__(self):
                    return True

                def __del__(self):
                    pass

                def make(self, path, metadata=None):
                    return Entries(path)

            saving_lib._save_state(model, Nowhere(), None, "", set())
            return found
        except Exception:
            return {}  # another version of Keras: the order of the layers must do

    def config(self, model):
        """The model's configuration as Keras keeps it in a `.keras` file; empty where it cannot be written down."""
        try:
            from keras.src.saving import serialization_lib

            return json.dumps(serialization_lib.serialize_keras_object(model))
        except Exception:
            return ""


# --- TensorFlow graphs ----------------------------------------------------------------------------------------------


def shape_list(shape):
    if shape.rank is None:
        return None
    return [-1 if size is None else int(size) for size in shape.as_list()]


class Graphs(object):
    """The TensorFlow graphs that the user's program makes."""

    def __init__(self, tensorflow, sources):
        self.tf = tensorflow
        self.v1 = tensorflow.compat.v1
        self.sources = sources
        self.made = []
        create = self.v1.Graph.__init__
        made = self.made

        def remember(graph, *args, **kwargs):
            create(graph, *args, **kwargs)
            if type(graph).__name__ == "Graph":
                made.append(graph)

        self.v1.Graph.__init__ = remember

    def chosen(self):
        """The graph with the most variables, the first of them if several have as many."""
        graphs = list(self.made)
        if not self.tf.executing_eagerly() and self.v1.get_default_graph() not in graphs:
            graphs.append(self.v1.get_default_graph())
        return max(graphs, key=lambda graph: len(self.variables(graph)), default=None)

    def variables(self, graph):
        if graph is None:
            return []
        keys = self.v1.GraphKeys
        seen, found = set(), []
        for collection in (keys.GLOBAL_VARIABLES, keys.TRAINABLE_VARIABLES):
            for variable in graph.get_collection(collection):
                if hasattr(variable, "op") and variable.name not in seen:
                    seen.add(variable.name)
                    found.append(variable)
        return found

    def describe(self, graph):
        return self.describe_variables(graph, self.variables(graph))

    def describe_variables(self, graph, variables):
        members = {}
        for collection in graph.get_all_collection_keys():
            if isinstance(collection, str):
                for item in graph.get_collection(collection):
                    members.setdefault(id(item), []).append(collection)
        described, partitioned = [], {}
        nodes = operations.graph_of_operations(graph)
        trainable = {id(item) for item in graph.get_collection(self.v1.GraphKeys.TRAINABLE_VARIABLES)}
        for variable in variables:
            operation = variable.op
            part = variable._get_save_slice_info()
            name = part.full_name if part else operation.name
            shape = list(part.full_shape) if part else shape_list(variable.shape)
            if part and name in partitioned:
                continue
            partitioned[name] = True
            described.append(
                {
                    "name": name,
                    "key": name,
                    "shape": shape,
                    "dtype": variable.dtype.base_dtype.name,
                    "trainable": id(variable) in trainable,
                    "resource": operation.type == "VarHandleOp",
                    "collections": sorted(members.get(id(variable), [])),
                    "frames": self.sources.frames([(frame.filename, frame.lineno) for frame in operation.traceback]),
                    "consumer": consumers.consumer_of_variable(nodes, operation.name),
                }
            )
        return described


# --- TensorFlow 2's objects -----------------------------------------------------------------------------------------


OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def escaped(name):
    """A local name as a path has it (tensorflow/python/trackable/trackable_utils.py, `escape_local_name`)."""
    return name.replace(".", "..").replace("/", ".S")


class Objects(object):
    """The objects below a root, in the order in which `tf.train.Checkpoint` numbers them."""

    def __init__(self, tensorflow, root):
        view = tensorflow.train.TrackableView(root)
        self.items, self.children, self.paths = [], [], [""]
        numbers = {id(root): 0}
        pending = [root]
        for item in pending:
            children = []
            for name, child in view.children(item).items():
                if id(child) not in numbers:
                    numbers[id(child)] = len(pending)
                    pending.append(child)
                    self.paths.append((self.paths[numbers[id(item)]] + "/" + escaped(name)).lstrip("/"))
                children.append([name, numbers[id(child)]])
            self.children.append(children)
        self.items = pending
        self.numbers = numbers

    def key(self, number):
        return self.paths[number] + OBJECT_VALUE


# --- Running the user's code ----------------------------------------------------------------------------------------


class Builder(object):
    def __init__(self, request):
        self.request = request
        self.notes = []
        self.result = None
        self.function = ""
        self.placeholders = {}
        self.keras = None
        self.objects = None
        self.wrapped = False
        self.allocate = request["action"] != "trace"
        self.locate()

    def locate(self):
        target = self.request["target"]
        sys.path.insert(0, os.getcwd())
        if target.endswith(".py"):
            self.path = os.path.abspath(target)
            sys.path.insert(0, os.path.dirname(self.path))
            self.module_name = re.sub(r"\W", "_", os.path.basename(target)[:-3])
            if not os.path.isfile(self.path):
                raise Problem("usage", "there is no file %s" % target)
        else:
            self.module_name = target
            try:
                spec = importlib.util.find_spec(target)
            except ImportError:
                spec = None
            if spec is None or not spec.origin:
                raise Problem(
                    "usage",
                    "there is no module %s on the path of %s" % (target, sys.executable),
                    "Name a file (graph.py:function), or an installed module (package.module:function).",
                )
            self.path = spec.origin
        self.sources = Sources(self.path)

    def prepare(self):
        try:
            trees = local_sources(self.path)
        except SyntaxError as error:
            hint = ""
            if "print" in str(error):
                hint = "This looks like Python 2. Convert it first: 2to3 -w %s" % os.path.basename(self.path)
            raise Problem(
                "user", "%s:%s: %s" % (error.filename, error.lineno, error.msg), hint, (error.text or "").rstrip()
            )
        try:
            import tensorflow
        except ImportError as error:
            raise Problem(
                "missing-package", "TensorFlow cannot be imported by %s: %s" % (sys.executable, error), "tensorflow"
            )
        except Exception as error:
            raise Problem(
                "user",
                "TensorFlow cannot be imported by %s: %s: %s" % (sys.executable, type(error).__name__, error),
                "Its packages do not fit together: %s -m pip check" % sys.executable,
            )
        self.tf = tensorflow
        self.checkpoints = (tensorflow.train.Checkpoint, tensorflow.compat.v1.train.Checkpoint)
        if not self.allocate:
            for kind in self.checkpoints:
                stop_at(kind, ("restore", "read", "save", "write"))
        forbid_network()
        self.sources.watch()
        self.graphs = Graphs(tensorflow, self.sources)
        self.api = "compat" if self.module_name.startswith("tf_slim") else written_for(trees, tensorflow)
        v1 = tensorflow.compat.v1
        if self.api != "tf2":
            install_normalization(tensorflow)
        if self.api == "tf1":
            install_tf1(tensorflow)
        elif self.api == "compat":
            v1.disable_eager_execution()
        names = {name.split(".")[0] for tree in trees.values() for name, _ in imported_names(tree)}
        uses_keras = (
            "keras" in names
            or any(
                isinstance(node, ast.Attribute) and dotted(node)[1][:1] == ["keras"]
                for t in trees.values()
                for node in ast.walk(t)
            )
            or any(n.startswith("tensorflow.keras") for tree in trees.values() for n, _ in imported_names(tree))
        )
        if uses_keras and self.api == "tf2":
            import keras

            if keras.__version__.startswith("3"):
                self.keras = Keras3(self.sources, self.allocate)
        if self.keras is None:
            if self.api == "tf2":
                # Kept: a scope that nothing refers to is left when Python collects it.
                self.scope = v1.Graph().as_default()
                self.scope.__enter__()
            if not self.allocate:
                stop_at(v1.train.Saver, ("restore",))
            self.session_class = v1.Session
            self.session_run = v1.Session.run
            stop_at(v1.Session, ("run",))
            for name in ("InteractiveSession",):
                stop_at(getattr(v1, name), ("run",))

    def execute(self, name):
        """Runs the file as a module called `name` and gives its namespace."""
        module = types.ModuleType(name)
        module.__file__ = self.path
        sys.modules[name] = module
        sys.argv = [self.path]
        with open(self.path, "rb") as handle:
            code = compile(handle.read(), self.path, "exec")
        self.guard(exec, code, module.__dict__)
        return module.__dict__

    def guard(self, call, *args, **kwargs):
        """Calls user code; a program that exits or starts training has built its graph by then."""
        try:
            return call(*args, **kwargs)
        except Stop as stop:
            self.notes.append("Stopped when %s; the graph is what was built until then." % stop)
        except SystemExit as stop:
            if stop.code not in (None, 0):
                self.notes.append("The program exited with %r; the graph is what was built until then." % (stop.code,))
        except Problem:
            raise
        except BaseException as error:
            raise user_problem(error, self.sources)

    def build(self):
        self.prepare()
        if self.request["target"].endswith(".py"):
            namespace = self.execute(self.module_name)
        else:
            namespace = vars(self.guard(importlib.import_module, self.module_name) or types.ModuleType(""))
        name = self.request["name"]
        if name:
            if name not in namespace:
                near = [key for key in self.candidates(namespace)]
                raise Problem(
                    "usage",
                    "%s defines no %s" % (self.request["target"], name),
                    "It defines: %s" % ", ".join(near) if near else "",
                )
            self.use(namespace[name], name)
            return
        models = self.models(namespace)
        if self.graphs.variables(self.graphs.chosen()) and not models:
            return
        if models:
            if len(models) > 1:
                raise self.ambiguous("Keras models", models)
            self.use(models[0][1], models[0][0])
            return
        builders = self.builders(namespace)
        if len(builders) == 1:
            self.use(namespace[builders[0]], builders[0])
            return
        if len(builders) > 1:
            raise self.ambiguous("functions and classes", [(key, namespace[key]) for key in builders])
        if self.request["target"].endswith(".py"):
            namespace = self.execute("__main__")
            models = self.models(namespace)
            if len(models) == 1:
                self.use(models[0][1], models[0][0])
            if models or self.graphs.variables(self.graphs.chosen()):
                self.notes.append("Run as a program, because importing it makes no variable and defines no function.")
                return
        raise Problem(
            "user",
            "%s makes no variable and defines no model or function" % self.request["target"],
            "Name the function that builds the graph: %s:FUNCTION" % self.request["target"],
            "\n".join(self.notes),
        )

    def ambiguous(self, what, found):
        target = self.request["target"]
        lines = []
        for name, item in found:
            line = "  %s:%s" % (target, name)
            if callable(item) and not self.is_model(item):
                try:
                    parameters = [p for p in inspect.signature(item).parameters.values() if p.default is p.empty]
                    line += "".join(
                        " " + option_for(p.name) for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
                    )
                except (TypeError, ValueError):
                    pass
            lines.append(line)
        return Problem(
            "usage",
            "%s defines %d %s; which one is the graph?" % (target, len(found), what),
            "Name one of:\n" + "\n".join(lines),
        )

    def is_model(self, item):
        if self.keras is not None and isinstance(item, self.keras.keras.Model):
            return True
        return isinstance(item, (self.tf.Module,) + self.checkpoints) and not isinstance(item, type)

    def models(self, namespace):
        found, seen = [], set()
        for key, item in namespace.items():
            if not key.startswith("_") and self.is_model(item) and id(item) not in seen:
                seen.add(id(item))
                found.append((key, item))
        if len(found) > 1:
            # A model that is part of another one, or of a checkpoint, is not the graph.
            saved = [Objects(self.tf, item) for _, item in found if isinstance(item, self.checkpoints)]
            held = {id(part) for objects in saved for part in objects.items[1:]}
            found = [(key, item) for key, item in found if id(item) not in held]
        if len(found) > 1:
            inner = (
                {id(part) for _, item in found for part in item.submodules if part is not item}
                if all(hasattr(item, "submodules") for _, item in found)
                else set()
            )
            if self.keras is not None:
                inner = {
                    id(part)
                    for _, item in found
                    if hasattr(item, "_flatten_layers")
                    for part in item._flatten_layers()
                    if part is not item
                }
            found = [(key, item) for key, item in found if id(item) not in inner]
        return found

    def candidates(self, namespace):
        return [
            key
            for key, item in namespace.items()
            if not key.startswith("_")
            and (inspect.isfunction(item) or inspect.isclass(item))
            and getattr(item, "__module__", "") == self.module_name
        ]

    def builders(self, namespace):
        """Functions and model classes that no other one of the file calls."""
        names = self.candidates(namespace)
        called = set()
        for tree in [ast.parse(open(self.path, "rb").read())]:
            for node in tree.body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Name) and inner.id != node.name:
                            called.add(inner.id)
        classes = (self.tf.Module,) + ((self.keras.keras.Layer,) if self.keras else ())
        return [
            key
            for key in names
            if key not in called
            and key not in NOT_BUILDERS
            and (inspect.isfunction(namespace[key]) or issubclass(namespace[key], classes))
        ]

    # -- Calling a function

    def use(self, item, name):
        self.function = name
        if self.is_model(item):
            self.result = item
            self.feed_model(item)
            return
        if not callable(item):
            raise Problem("usage", "%s is no function, model or class" % name)
        arguments = self.bind(item, name)
        self.result = self.guard(item, **arguments)
        if inspect.isclass(item) and self.result is not None:
            self.feed_model(self.result)

    def bind(self, item, name):
        try:
            parameters = inspect.signature(item).parameters
        except (TypeError, ValueError):
            parameters = {}
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        arguments = {}
        for key, value in self.request["args"].items():
            if key in parameters or open_ended:
                arguments[key] = value
            elif not self.request["lenient"]:
                raise Problem("usage", "%s has no parameter %s" % (name, key), "It has: " + ", ".join(parameters))
        for given in self.request["inputs"]:
            if given["name"] in parameters:
                arguments[given["name"]] = self.symbol(given)
            elif not inspect.isclass(item) and not self.request["lenient"]:
                raise Problem(
                    "usage", "%s has no parameter %s" % (name, given["name"]), "It has: " + ", ".join(parameters)
                )
        missing = [
            p.name
            for p in parameters.values()
            if p.default is p.empty and p.name not in arguments and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if missing:
            raise Problem(
                "usage",
                "%s() needs %s" % (name, ", ".join(missing)),
                "Add: " + " ".join(option_for(key) for key in missing),
            )
        return arguments

    def symbol(self, given):
        shape = [None if size < 0 else size for size in given["shape"]]
        if self.keras is not None:
            tensor = self.keras.keras.Input(batch_shape=shape, dtype=given["dtype"], name=given["name"])
        else:
            tensor = self.tf.compat.v1.placeholder(given["dtype"], shape, name=given["name"])
        self.placeholders[given["name"]] = (tensor, given)
        return tensor

    def feed_model(self, model):
        """Builds a subclassed model by calling it on the inputs."""
        if isinstance(model, self.checkpoints):
            return
        unbuilt = not list(getattr(model, "weights", None) or getattr(model, "variables", ()) or ())
        if not self.request["inputs"]:
            call = getattr(model, "call", None) or getattr(model, "__call__", None)
            if unbuilt and call is not None:
                names = [
                    p.name
                    for p in inspect.signature(call).parameters.values()
                    if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
                ]
                raise Problem(
                    "usage",
                    "%s has no variables until it is called" % (self.function or type(model).__name__),
                    "Add: " + " ".join(tensor_option(name) for name in names or ["inputs"]),
                )
            return
        tensors = [
            self.placeholders[g["name"]][0] if g["name"] in self.placeholders else self.symbol(g)
            for g in self.request["inputs"]
        ]
        output = self.guard(model, *tensors)
        self.called = (tensors, output)

    # -- What came out

    def keras_model(self):
        if self.keras is None:
            return None
        keras = self.keras.keras
        pending = [self.result]
        while pending:
            item = pending.pop(0)
            if isinstance(item, (keras.Model, keras.Layer)):
                return item
            if isinstance(item, keras.KerasTensor) and self.placeholders:
                return keras.Model([tensor for tensor, _ in self.placeholders.values()], item)
            if isinstance(item, (list, tuple)):
                pending.extend(item)
            elif isinstance(item, dict):
                pending.extend(item.values())
        return None

    def track(self):
        """The objects that a `tf.train.Checkpoint` would save: the program's own, else one made around its model."""
        root = self.keras_model() or self.result
        if not self.is_model(root):
            return
        self.wrapped = not isinstance(root, self.checkpoints)
        try:
            self.root = self.tf.train.Checkpoint(model=root) if self.wrapped else root
            self.objects = Objects(self.tf, self.root)
        except Exception as error:
            self.notes.append("Its objects cannot be walked: %s: %s." % (type(error).__name__, error))

    def saved_variables(self):
        """The variables of a program's own `tf.train.Checkpoint`, under the keys that it saves them under."""
        objects = self.objects
        kinds = (self.tf.Variable,) + ((self.keras.keras.Variable,) if self.keras else ())
        variables = [item for item in objects.items if isinstance(item, kinds)]
        described = {}
        if self.keras is not None:
            weights = [item for item in variables if isinstance(item, self.keras.keras.Variable)]
            layers = [item for item in objects.items if isinstance(item, self.keras.keras.Layer)]
            for weight, one in zip(weights, self.keras.describe_weights(weights, layers, {})):
                described[id(weight)] = one
        graph = self.graphs.chosen()
        for variable in variables:
            if id(variable) not in described and graph is not None and hasattr(variable, "_in_graph_mode"):
                if variable._in_graph_mode:
                    described[id(variable)] = self.graphs.describe_variables(graph, [variable])[0]
            one = described.get(id(variable)) or eager_variable(variable)
            described[id(variable)] = one
            one["node"] = objects.numbers[id(variable)]
            one["key"] = objects.key(one["node"])
        return [described[id(variable)] for variable in variables]

    def describe(self):
        self.track()
        model = self.keras_model()
        if self.objects is not None and not self.wrapped:
            kind, variables = "TensorFlow 2 objects", self.saved_variables()
        elif model is not None:
            kind, variables = "Keras model", self.keras.describe(model)
            self.number(variables, model.weights)
            if not variables:
                raise Problem(
                    "usage", "%s has no variables until it is called" % self.function, "Add: " + tensor_option("inputs")
                )
        else:
            graph = self.graphs.chosen()
            kind = "TensorFlow 2 graph" if self.api == "tf2" else "TensorFlow 1 graph"
            found = self.graphs.variables(graph)
            variables = self.graphs.describe(graph) if graph is not None else []
            if len(found) == len(variables):  # none is partitioned
                self.number(variables, found)
                if self.is_keras_2_model():
                    kind = "Keras model"
                    places = keras_2_places(self.tf, self.result)
                    for variable, item in zip(variables, found):
                        variable["stored"] = places.get(id(item), "")
        if not variables:
            raise Problem(
                "user",
                "%s made no variable" % (self.function or self.request["target"]),
                "Name the function or model that makes them.",
                "\n".join(self.notes),
            )
        choose_lines(variables)
        return {
            "kind": kind,
            "variables": variables,
            "files": self.sources.files(),
            "distributions": distributions(),
            "notes": self.notes,
            "function": self.function,
            "objects": self.objects.children if self.objects is not None else None,
            "wrapped": self.wrapped,
            "config": self.keras.config(model) if model is not None else "",
            "keras_version": self.keras.keras.__version__ if model is not None else "",
        }

    def is_keras_2_model(self):
        """Whether the graph is that of a model of Keras 2, whose files go by its layers and not by names."""
        if self.keras is not None or self.api != "tf2":
            return False
        try:
            return isinstance(self.result, self.tf.keras.Model)
        except (AttributeError, ImportError):
            return False  # no Keras

    def number(self, variables, items):
        """Tells for each variable which object it is."""
        if self.objects is not None:
            for variable, item in zip(variables, items):
                variable["node"] = self.objects.numbers.get(id(item), -1)


def keras_2_places(tf, model):
    """Where Keras 2 (or tf_keras) puts each variable in a `.weights.h5` file: its own traversal, writing into nothing."""
    try:
        from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

        package = tf.keras.Model.__module__.split(".")[0]
        try:
            saving_lib = importlib.import_module(package + ".src.saving.saving_lib")
        except ImportError:
            saving_lib = importlib.import_module(package + ".saving.saving_lib")
        found = {}

        class Entries(object):
            def __init__(self, path):
                self.path = path

            def __setitem__(self, key, value):
                found.setdefault(id(value), "/".join([part for part in (self.path, "vars", key) if part]))

        class Nowhere(object):
            def make(self, path):
                return Entries(path)

        values = BaseResourceVariable.numpy
        BaseResourceVariable.numpy = lambda self: self  # a graph's variables have no values
        try:
            saving_lib._save_state(model, Nowhere(), None, "", set())
        finally:
            BaseResourceVariable.numpy = values
        return found
    except Exception:
        return {}  # another version of Keras: the order of the layers must do


def eager_variable(variable):
    return {
        "name": variable.name.partition(":")[0],
        "key": "",
        "shape": shape_list(variable.shape),
        "dtype": variable.dtype.base_dtype.name,
        "trainable": bool(variable.trainable),
        "resource": True,
        "collections": [],
        "frames": [],
        "consumer": None,
    }


TENSOR_NAMES = re.compile(
    r"(^|_)(x|inputs?|images?|features?|tokens?|ids|img|data|batch|tensors?|net|imgs|rgb)($|_|s$)", re.I
)


def tensor_option(name):
    return "--input %s:Nx224x224x3" % name


def option_for(name):
    return tensor_option(name) if TENSOR_NAMES.search(name) else "--arg %s=VALUE" % name


def choose_lines(variables):
    """One line for each variable: the innermost of the user's, unless a helper makes variables of several scopes there."""
    groups = [(0, variables)]
    while groups:
        depth, group = groups.pop()
        by_line = {}
        for variable in group:
            frames = variable["frames"]
            if not frames:
                variable["location"] = None
                continue
            variable["location"] = frames[min(depth, len(frames) - 1)]
            by_line.setdefault(tuple(variable["location"]), []).append(variable)
        for members in by_line.values():
            scopes = {member["name"].rpartition("/")[0] or member["name"] for member in members}
            deeper = {tuple(member["frames"][depth + 1]) for member in members if len(member["frames"]) > depth + 1}
            if len(scopes) > 1 and len(deeper) > 1:
                groups.append((depth + 1, members))
    for variable in variables:
        del variable["frames"]


def user_problem(error, sources):
    """The user's own traceback, their frames only if there are any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_local(frame.filename) or frame.filename == sources.target]
    lines = traceback.format_list(own) + traceback.format_exception_only(type(error), error)
    text = "".join(lines).rstrip()
    message = "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0] if str(error).strip() else "")
    if isinstance(error, ImportError) and getattr(error, "name", None):
        return Problem(
            "user",
            message,
            "Install %s for %s, or make it importable from %s."
            % (error.name, sys.executable, os.path.dirname(sources.target)),
            text,
        )
    where = "%s:%d: " % (os.path.relpath(own[-1].filename), own[-1].lineno) if own else ""
    if isinstance(error, MemoryError):
        return Problem(
            "user",
            where + message,
            "It needs more memory than building a graph may take; CKPTDOCTOR_GRAPH_MEMORY=BYTES allows more.",
            text,
        )
    return Problem(
        "user", where + message, "The graph's own code raised this; it must run as far as its variables.", text
    )


# --- Restoring and running ------------------------------------------------------------------------------------------


def restore(builder, prefix, dump):
    """Restores with TensorFlow's own Saver and compares every variable with the checkpoint's values."""
    import numpy

    tf = builder.tf
    v1 = tf.compat.v1
    reader = v1.train.NewCheckpointReader(prefix)
    stored = reader.get_variable_to_shape_map()
    if OBJECT_GRAPH_KEY in stored and builder.objects is not None:
        return restore_objects(builder, reader, prefix)
    model = builder.keras_model()
    if model is not None:
        targets = {weight.path: weight.value for weight in model.weights}
        session = None
    else:
        graph = builder.graphs.chosen()
        builder.graph = graph
        targets = {}
        for variable in builder.graphs.variables(graph):
            part = variable._get_save_slice_info()
            targets.setdefault(part.full_name if part else variable.op.name, []).append(variable)
        session = builder.session_class(graph=graph)
        builder.session = session
    wanted = {key: value for key, value in targets.items() if key in stored}
    absent = sorted(set(targets) - set(stored))
    if session is None:
        for key, variable in wanted.items():
            if list(variable.shape) == stored[key]:
                variable.assign(reader.get_tensor(key))
        read = lambda key: wanted[key].numpy()
        declared = lambda key: list(wanted[key].shape)
    else:
        with graph.as_default():
            saver = v1.train.Saver([item for items in wanted.values() for item in items])
            initialise = [item.initializer for key in absent for item in targets[key]]
            try:
                builder.session_run(session, initialise)
                # The names a Saver takes are those of the variables, so the restore is the one a user would write.
                session.run = lambda *args, **kwargs: builder.session_run(session, *args, **kwargs)
                saver.restore(session, prefix)
            except (tf.errors.OpError, ValueError) as error:
                raise Problem("restore", str(error).splitlines()[0])
        read = lambda key: builder.session_run(session, wanted[key][0])
        declared = lambda key: shape_list(wanted[key][0].shape)
    wrong = []
    for key in sorted(wanted):
        if session is not None and len(wanted[key]) > 1:
            continue  # partitioned: its parts are restored by slice
        value, expected = read(key), reader.get_tensor(key)
        if list(value.shape) != declared(key):
            wrong.append({"key": key, "what": "holds %s, declared %s" % (list(value.shape), declared(key))})
        elif numpy.asarray(value).tobytes() != numpy.asarray(expected).tobytes():
            wrong.append({"key": key, "what": "holds other bytes than the checkpoint"})
    return {"restored": len(wanted), "missing": absent, "wrong": wrong}


OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def restore_objects(builder, reader, prefix):
    """Restores with `tf.train.Checkpoint.restore`, and compares every variable with the value that its object has."""
    import numpy

    tf = builder.tf
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    proto = trackable_object_graph_pb2.TrackableObjectGraph()
    proto.ParseFromString(reader.get_tensor(OBJECT_GRAPH_KEY))
    root = builder.root
    names = [child.local_name for child in proto.nodes[0].children]
    if builder.wrapped and "model" not in names:
        # The checkpoint calls the model something else, or is one of the model alone.
        held = [name for name in names if any(c.local_name for c in proto.nodes[child_of(proto, 0, name)].children)]
        model = root.model
        chosen = max(held, key=lambda name: shared(builder, proto, name), default="")
        alone = shared(builder, proto, "") >= (shared(builder, proto, chosen) if chosen else 0)
        root = tf.train.Checkpoint(model) if alone else tf.train.Checkpoint(**{chosen: model})
        builder.objects = Objects(tf, root)
    objects = builder.objects
    kinds = (tf.Variable,) + ((builder.keras.keras.Variable,) if builder.keras else ())
    variables = {number: item for number, item in enumerate(objects.items) if isinstance(item, kinds)}
    found = walk_together(objects.children, proto)
    keys, absent = {}, []
    for number in variables:
        values = [a.checkpoint_key for a in proto.nodes[found[number]].attributes] if number in found else []
        if values:
            keys[number] = values[0]
        elif objects.paths[number] != "save_counter":
            absent.append(objects.paths[number])
    eager = tf.executing_eagerly() and builder.keras is not None
    try:
        status = root.restore(prefix)
        if not eager:
            graph = builder.graph = builder.graphs.chosen()
            session = builder.session = builder.session_class(graph=graph)
            session.run = lambda *args, **kwargs: builder.session_run(session, *args, **kwargs)
            status.initialize_or_restore(session)
    except (tf.errors.OpError, ValueError) as error:
        raise Problem("restore", str(error).splitlines()[0])
    consumed = ""
    try:
        status.assert_consumed()
    except AssertionError as error:
        consumed = str(error).strip().splitlines()[0]
    wrong = []
    for number, key in sorted(keys.items()):
        item = variables[number]
        value = numpy.asarray(item.numpy() if eager else builder.session_run(builder.session, item))
        expected = numpy.asarray(reader.get_tensor(key))
        if list(value.shape) != [int(size) for size in item.shape]:
            wrong.append({"key": key, "what": "holds %s, declared %s" % (list(value.shape), list(item.shape))})
        elif value.tobytes() != expected.tobytes():
            wrong.append({"key": key, "what": "holds other bytes than the checkpoint"})
    return {"restored": len(keys), "missing": sorted(absent), "wrong": wrong, "unconsumed": consumed}


def child_of(proto, node, name):
    return next((child.node_id for child in proto.nodes[node].children if child.local_name == name), None)


def walk_together(children, proto, start=(0, 0)):
    """The objects of the program and those of a checkpoint that the same names lead to."""
    found = {start[0]: start[1]}
    pending = [start]
    for mine, theirs in pending:
        names = {child.local_name: child.node_id for child in proto.nodes[theirs].children}
        for name, child in children[mine]:
            if name in names and child not in found:
                found[child] = names[name]
                pending.append((child, names[name]))
    return found


def shared(builder, proto, name):
    """How many of the model's values a checkpoint has where it calls the model by a name (or is the model's own)."""
    model = dict((key, number) for key, number in builder.objects.children[0])["model"]
    theirs = child_of(proto, 0, name) if name else 0
    pairs = walk_together(builder.objects.children, proto, (model, theirs))
    return sum(bool(proto.nodes[other].attributes) for other in pairs.values())


def random_value(numpy, rng, shape, dtype):
    shape = [2 if size is None or size < 0 else size for size in shape]
    if dtype == "bool":
        return numpy.zeros(shape, dtype=bool)
    if dtype.startswith(("int", "uint")):
        return rng.randint(0, 8, size=shape).astype(dtype)
    return numpy.ones((), dtype=dtype) if not shape else rng.standard_normal(shape).astype(dtype)


def run(builder, destination, seed):
    """Runs the graph once on random inputs and stores its output."""
    import numpy

    rng = numpy.random.RandomState(seed)
    outputs = builder.result
    model = builder.keras_model()
    if model is not None:
        tensors = getattr(model, "inputs", None) or [tensor for tensor, _ in builder.placeholders.values()]
        values = [random_value(numpy, rng, list(t.shape), str(t.dtype)) for t in tensors]
        value = numpy.asarray(model(*values if len(values) > 1 else values, training=False))
        name = model.name
    else:
        graph = builder.graph
        placeholders = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
        feeds = {}
        for tensor in placeholders:
            given = next((g for t, g in builder.placeholders.values() if t is tensor), None)
            shape = given["shape"] if given else shape_list(tensor.shape) or []
            feeds[tensor] = random_value(numpy, rng, shape, tensor.dtype.base_dtype.name)
        output = first_tensor(builder.tf, outputs) if outputs is not None else None
        if output is None:
            ends = [
                op.outputs[0]
                for op in graph.get_operations()
                if op.outputs
                and not op.outputs[0].consumers()
                and op.outputs[0].dtype.is_floating
                and op.inputs
                and not op.type.startswith(("Assign", "Restore"))
            ]
            if not ends:
                raise Problem("usage", "the graph has no output to compare")
            output = ends[-1]
        value = builder.session_run(builder.session, output, feeds)
        name = output.name
    numpy.save(destination, value)
    return {"output": name, "shape": list(value.shape)}


def first_tensor(tensorflow, result):
    for item in tensorflow.nest.flatten(result):
        if tensorflow.is_tensor(item):
            return item
    return None


def limit_memory(size):
    """A graph that allocates without bound gets a MemoryError, and not the whole machine."""
    try:
        import resource

        # Address space is reserved freely by TensorFlow; what counts is what can be written to.
        resource.setrlimit(resource.RLIMIT_DATA, (size, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    except (ImportError, ValueError, OSError):
        pass


def handle(request):
    builder = Builder(request)
    builder.build()
    answer = {"graph": builder.describe()}
    if request["action"] in ("restore", "run"):
        answer["restore"] = restore(builder, request["restore"], request)
    if request["action"] == "run":
        answer["run"] = run(builder, request["outputs"], request["seed"])
    return answer


def main():
    descriptor = int(sys.argv[1])
    request = json.loads(sys.argv[2])
    encode, write = json.dumps, os.write  # as they are before the user's code runs
    if request.get("memory"):
        limit_memory(request["memory"])
    try:
        answer = handle(request)
    except Problem as problem:
        answer = {"error": problem.answer}
    except BaseException as error:
        answer = {
            "error": {
                "kind": "internal",
                "message": "%s: %s" % (type(error).__name__, error),
                "hint": "",
                "details": traceback.format_exc(),
            }
        }
    data = encode(answer).encode()
    while data:
        data = data[write(descriptor, data) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
