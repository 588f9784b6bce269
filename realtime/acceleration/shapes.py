"""The lengths that a network is prepared for, and how the shapes of a call fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realtime.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor

Tensors = tuple["Tensor", ...]
Sizes = tuple[int, ...]  # one length for each axis: the name of a bucket

MOST_KNOWN = 4_096  # sets of shapes whose fit is remembered


@dataclass(frozen=True)
class Axis:
    """A length that changes from call to call, and the sizes that are prepared for it.

    `inputs` maps the number of an input to its axis that has this length, `outputs` those of the
    outputs, where it is `scale` times as long. A padded axis is filled with zeros up to the next
    size and cut off again, which is only right where its places do not touch each other, as in a
    batch.
    """

    sizes: tuple[int, ...]
    inputs: Mapping[int, int]
    outputs: Mapping[int, int] = field(default_factory=dict)
    scale: int = 1
    padded: bool = False

    def __post_init__(self) -> None:
        if not self.sizes or list(self.sizes) != sorted(set(self.sizes)) or self.sizes[0] < 1:
            raise BadRequest(f"The sizes of an axis must rise from 1; they are {self.sizes}.")
        if not self.inputs:
            raise BadRequest("An axis must be an axis of at least one input.")

    def bucket(self, length: int) -> int | None:
        """Find the smallest size that holds a length; None where there is none."""
        if not self.padded and length < self.sizes[0]:
            return None
        return next((size for size in self.sizes if size >= length), None)


@dataclass(frozen=True)
class Fit:
    """The lengths of a call and the bucket that holds them."""

    lengths: Sizes
    bucket: Sizes
    exact: bool  # whether every axis that is not padded has just the bucket's size

    @property
    def padded(self) -> bool:
        return self.lengths != self.bucket


@dataclass(frozen=True)
class Misfit:
    """The reason why no bucket holds a call."""

    reason: str


class Shapes:
    """The shapes that a network's inputs may have: those of the examples, except for the axes."""

    def __init__(self, examples: Tensors, axes: Sequence[Axis] = ()) -> None:
        self.axes = tuple(axes)
        self._shapes = [tuple(example.shape) for example in examples]
        self._dtypes = [example.dtype for example in examples]
        self._free = {(i, axis) for item in self.axes for i, axis in item.inputs.items()}
        for i, axis in self._free:
            if i >= len(examples) or axis >= len(self._shapes[i]):
                raise BadRequest(f"There is no axis {axis} of input {i}.")
        self._known: dict[tuple[object, ...], Fit | Misfit] = {}

    @property
    def example(self) -> Sizes:
        """Return the bucket of the example's lengths, or else the largest there is."""
        found = self.fit_of(self._shapes)
        return found.bucket if isinstance(found, Fit) else self.largest

    @property
    def largest(self) -> Sizes:
        return tuple(axis.sizes[-1] for axis in self.axes)

    @property
    def smallest(self) -> Sizes:
        return tuple(axis.sizes[0] for axis in self.axes)

    def buckets(self) -> list[Sizes]:
        """List all buckets, small ones first."""
        found: list[Sizes] = [()]
        for axis in self.axes:
            found = [(*sizes, size) for sizes in found for size in axis.sizes]
        return found

    def fit(self, inputs: Tensors) -> Fit | Misfit:
        """Fit the inputs of a call to a bucket."""
        # Remembered for each set of shapes: a step that is called often pays for it once.
        key = tuple((item.shape, item.dtype) for item in inputs)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = self._find_fit(inputs)
        return found

    def fit_of(self, shapes: Sequence[Sequence[int]]) -> Fit | Misfit:
        """Fit shapes that differ from the examples along the axes alone."""
        lengths = []
        for axis in self.axes:
            found = {shapes[i][place] for i, place in axis.inputs.items()}
            if len(found) > 1:
                return Misfit(f"the inputs disagree about a length: {sorted(found)}")
            lengths.append(found.pop())
        bucket = []
        for axis, length in zip(self.axes, lengths, strict=True):
            size = axis.bucket(length)
            if size is None:
                return Misfit(f"no bucket holds a length of {length}; there are {axis.sizes}")
            bucket.append(size)
        pairs = zip(self.axes, lengths, bucket, strict=True)
        exact = all(axis.padded or length == size for axis, length, size in pairs)
        return Fit(tuple(lengths), tuple(bucket), exact)

    def shape(self, i: int, sizes: Sizes) -> Sizes:
        """Return the shape of one input in a bucket."""
        shape = list(self._shapes[i])
        for axis, size in zip(self.axes, sizes, strict=True):
            if i in axis.inputs:
                shape[axis.inputs[i]] = size
        return tuple(shape)

    def pad(self, inputs: Tensors, fit: Fit) -> Tensors:
        """Fill the inputs with zeros up to the bucket's size."""
        found = list(inputs)
        for axis, length, size in zip(self.axes, fit.lengths, fit.bucket, strict=True):
            if size == length:
                continue
            for i, place in axis.inputs.items():
                filled = found[i].new_zeros(
                    [*found[i].shape[:place], size, *found[i].shape[place + 1 :]]
                )
                filled.narrow(place, 0, length).copy_(found[i])
                found[i] = filled
        return tuple(found)

    def cut(self, outputs: Tensors, fit: Fit) -> Tensors:
        """Cut off what the outputs have of the filling."""
        found = list(outputs)
        for axis, length, size in zip(self.axes, fit.lengths, fit.bucket, strict=True):
            if size == length:
                continue
            for i, place in axis.outputs.items():
                found[i] = found[i].narrow(place, 0, length * axis.scale)
        return tuple(found)

    def sample(self, examples: Tensors, sizes: Sizes) -> Tensors:
        """Make inputs of a bucket's size: the examples repeated and cut."""
        found = []
        for i, example in enumerate(examples):
            shape = self.shape(i, sizes)
            pairs = zip(shape, example.shape, strict=True)
            times = [-(-size // max(1, have)) for size, have in pairs]
            cut = tuple(slice(0, size) for size in shape)
            found.append(example.repeat(times)[cut].contiguous() if shape else example)
        return tuple(found)

    def _find_fit(self, inputs: Tensors) -> Fit | Misfit:
        if len(inputs) != len(self._shapes):
            return Misfit(f"{len(inputs)} inputs came, {len(self._shapes)} are expected")
        for i, item in enumerate(inputs):
            if item.dtype != self._dtypes[i]:
                return Misfit(f"input {i} is of {item.dtype}, prepared is {self._dtypes[i]}")
            if item.dim() != len(self._shapes[i]) or any(
                size != self._shapes[i][place] and (i, place) not in self._free
                for place, size in enumerate(item.shape)
            ):
                return Misfit(f"input {i} has the shape {tuple(item.shape)}, not {self._shapes[i]}")
        return self.fit_of([tuple(item.shape) for item in inputs])
