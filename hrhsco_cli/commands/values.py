"""How the values of options are read, and options without effect refused."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from typer import CallbackParam

from reports.errors import InputError
from reports.metrics.definitions import MAX_DETS

if TYPE_CHECKING:
    from typer import Context

    from hrhsco_cli.datasets.foreign_results import ResultReading
    from hrhsco_cli.datasets.tiling import Tiling
    from hrhsco_cli.grid.executors.slurm_request import SlurmRequest
    from reports.metrics.protocols import Protocol


MAX_DETS_TEXT = ",".join(map(str, MAX_DETS))
"""What ``--max-dets`` is where it is not given, as it is typed."""


def parse_reading(category_offset: int | None, image_ids: str) -> "ResultReading":
    """Read ``--category-offset`` and ``--image-ids``.

    Args:
        category_offset: what was typed; None if nothing.
        image_ids: what was typed.

    Returns:
        How results name images and classes.

    Raises:
        InputError: if there is no such kind of image id.
    """
    from hrhsco_cli.datasets.foreign_results import IMAGE_IDS, ResultReading

    return ResultReading(category_offset, parse_one_of(IMAGE_IDS, image_ids, "--image-ids"))


def parse_branches(text: str) -> list[str]:
    """Read ``--branch-oracle``, a list of branches such as ``heatmap,size,heatmap+size``.

    It imports torch: choose the device first.

    Args:
        text: what was typed.

    Returns:
        Each once; the parts of one that makes several branches true stand in the same order always.

    Raises:
        InputError: if a branch is unknown.
    """
    from heads.branch_oracle import BRANCH_ORACLES

    found = []
    for each in text.split(","):
        parts = {part.strip() for part in each.split("+")}
        if unknown := sorted(parts - set(BRANCH_ORACLES)):
            known = ", ".join(BRANCH_ORACLES)
            raise InputError(f"--branch-oracle has no {unknown[0]!r}; choose from {known}")
        found.append("+".join(name for name in BRANCH_ORACLES if name in parts))
    return list(dict.fromkeys(found))


def refuse_given(context: "Context", options: Mapping[str, str], why: str) -> None:
    """Refuse options that would have no effect, also where they are given their default's value.

    Args:
        context: the call.
        options: the options by the names of their parameters.
        why: why they have no effect.

    Raises:
        InputError: if one of them is given.
    """
    for parameter, option in options.items():
        source = context.get_parameter_source(parameter)
        if source is not None and source.name == "COMMANDLINE":
            raise InputError(f"{option} {why}; leave it out")


def refuse_nan(parameter: CallbackParam, value: float | None) -> float | None:
    """Refuse ``nan`` and ``inf``, which Python reads as numbers; the callback of such options.

    Args:
        parameter: the option.
        value: what was typed; None if nothing.

    Returns:
        The value.

    Raises:
        InputError: if it is no finite number.
    """
    if value is not None and not math.isfinite(value):
        raise InputError(f"{parameter.opts[0]} is {value}; write a finite number")
    return value


def choose_tracker(context: "Context", track: str | None, tensorboard: bool) -> str | None:
    """Read ``--track`` and ``--tensorboard``.

    Args:
        context: the call.
        track: what was typed for the one; None if nothing.
        tensorboard: whether the other was given.

    Returns:
        The tracker's name; None where no tracker is asked for.

    Raises:
        InputError: if both are given.
    """
    if not tensorboard:
        return track
    why = "goes without --tensorboard, which names a tracker itself"
    refuse_given(context, {"track": "--track"}, why)
    return "tensorboard"


def parse_slurm_request(
    partition: str | None, gpus: int | None, time: str | None, sbatch: list[str]
) -> "SlurmRequest":
    """Read what each job of a Slurm cluster is to ask for.

    Args:
        partition: what ``--partition`` names.
        gpus: what ``--gpus`` says.
        time: what ``--time`` says.
        sbatch: what each ``--sbatch`` says.

    Returns:
        The request.

    Raises:
        InputError: if there is no time, or an option can't be read.
    """
    from hrhsco_cli.grid.executors.slurm_request import SlurmRequest, parse_sbatch, parse_time

    if time is None:
        raise InputError("--executor slurm needs the time limit of a job; add --time H:MM:SS")
    return SlurmRequest(parse_time(time), partition, gpus, parse_sbatch(sbatch))


def parse_size(text: str, option: str = "--size") -> tuple[int, int]:
    """Read a size ``WxH`` in px.

    Args:
        text: what was typed.
        option: the option's name, for the message.

    Returns:
        Width and height.

    Raises:
        InputError: if it is not that, or a side is under 16.
    """
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 16):
        raise InputError(
            f"{option} {text!r} is not WxH in px, each at least 16; write {option} 160x160"
        )
    return int(width), int(height)


def parse_tile(text: str, overlap: int) -> "Tiling | None":
    """Read the size ``WxH`` of tiles in px, or ``none`` for whole images.

    Args:
        text: what was typed.
        overlap: by how many px neighbors overlap.

    Returns:
        The tiling; None for whole images.

    Raises:
        InputError: if it is neither, or the overlap leaves nothing of a tile.
    """
    from hrhsco_cli.datasets.tiling import Tiling

    return None if text == "none" else Tiling(parse_size(text, "--tile"), overlap)


def parse_max_dets(text: str) -> tuple[int, ...]:
    """Read limits of the detections of an image and class, as rising numbers.

    Args:
        text: what was typed.

    Returns:
        The limits.

    Raises:
        InputError: if they are not rising numbers from 1.
    """
    limits = _parse_numbers(text)
    if not limits or min(limits) < 1 or list(limits) != sorted(limits):
        raise InputError(
            f"--max-dets {text!r} is not rising numbers; write --max-dets {MAX_DETS_TEXT}"
        )
    return limits


def parse_protocol(name: str | None, max_dets: str | None) -> "Protocol | None":
    """Read ``--protocol`` and ``--max-dets``.

    Args:
        name: what was typed for the one; None if nothing.
        max_dets: what was typed for the other; None if nothing.

    Returns:
        The protocol; None where neither is given.

    Raises:
        InputError: if there is no such protocol, the numbers are not rising, or both are given.
    """
    from reports.metrics.protocols import choose_protocol

    if name is None and max_dets is None:
        return None
    return choose_protocol(name, None if max_dets is None else parse_max_dets(max_dets))


def parse_names(text: str, option: str) -> list[str]:
    """Read names that commas separate, each once, in their order.

    Args:
        text: what was typed.
        option: the option's name, for the message.

    Returns:
        The names.

    Raises:
        InputError: if there is none, or an empty one.
    """
    names = [each.strip() for each in text.split(",")]
    if not all(names):
        raise InputError(f"{option} {text!r} is not names with commas between; write a,b")
    return list(dict.fromkeys(names))


def parse_depths(text: str, highest: int = 6) -> tuple[int, ...]:
    """Read depths of the heatmap, each once, in rising order.

    Args:
        text: what was typed.
        highest: the greatest depth that is allowed.

    Returns:
        The depths n.

    Raises:
        InputError: if they are not numbers from 0 to ``highest``.
    """
    depths = _parse_numbers(text)
    if not depths or min(depths) < 0 or max(depths) > highest:
        raise InputError(
            f"--depths {text!r} is not numbers from 0 to {highest}; write --depths 0,1,2,3,4"
        )
    return tuple(sorted(set(depths)))


def parse_objects(text: str) -> tuple[int, ...]:
    """Read numbers of objects, each once, in rising order.

    Args:
        text: what was typed.

    Returns:
        The numbers.

    Raises:
        InputError: if they are not numbers from 1.
    """
    numbers = _parse_numbers(text)
    if not numbers or min(numbers) < 1:
        raise InputError(f"--objects {text!r} is not numbers from 1; write --objects 10,100,1000")
    return tuple(sorted(set(numbers)))


def parse_noises(text: str) -> tuple[float, ...]:
    """Read standard deviations in px, each once, in rising order.

    Args:
        text: what was typed.

    Returns:
        The standard deviations.

    Raises:
        InputError: if they are not numbers from 0.
    """
    try:
        noises = sorted({float(part) for part in text.split(",")})
    except ValueError:
        noises = []
    if not noises or not all(0 <= noise < math.inf for noise in noises):
        raise InputError(
            f"--center-noise {text!r} is not numbers from 0; write --center-noise 0,0.25,0.5,1"
        )
    return tuple(noises)


def parse_one_of(known: Iterable[str], text: str, option: str) -> str:
    """Read one of some words.

    Args:
        known: the words.
        text: what was typed.
        option: the option's name, for the message.

    Returns:
        The word.

    Raises:
        InputError: if it is none of them.
    """
    if text not in known:
        raise InputError(f"{option} {text!r} is unknown; choose one of {', '.join(known)}")
    return text


def parse_splits(text: str) -> tuple[str, ...]:
    """Read which splits of a data set are meant.

    Args:
        text: what was typed.

    Returns:
        The splits.

    Raises:
        InputError: if they are not ``train``, ``val`` or both.
    """
    splits = text.split(",")
    if not set(splits) <= {"train", "val"}:
        raise InputError(f"--splits {text!r} is not train, val or train,val")
    return tuple(splits)


def _parse_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        return ()
