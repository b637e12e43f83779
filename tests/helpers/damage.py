"""Strategies that break one thing of a file: of JSON and YAML trees, of rows, of bytes."""

import copy

from hypothesis import strategies as st

ODD_VALUES = [
    None, True, False, "", "x", "1", "1e-3", "[/red]", "\x1b[2J", "车", "../../up", "/absolute",
    "a\0b", -1, 0, 0.5, 1.5, 7, 1e308, -1e308, 10**30, float("nan"), float("inf"), [], {}, [[]],
    [1, "a"], {"a": 1}, {"id": 1},
]  # fmt: skip
ODD_TOKENS = [
    "", " ", "x", "nan", "inf", "1e400", "-1", "0", "0.5", "1.5", "3", "99", "1_0", "٣", "0x10",
    "9" * 30, "-0", "+1", "1e-3", "True", "\x1b[2J", "1 2", "1,2", "é",
]  # fmt: skip


def list_places(tree, path=()):
    """The path of each value in a tree of dicts and lists, the whole first."""
    yield path
    if isinstance(tree, dict):
        for key in tree:
            yield from list_places(tree[key], (*path, key))
    elif isinstance(tree, list):
        for index, each in enumerate(tree):
            yield from list_places(each, (*path, index))


def _parent(tree, path):
    for key in path[:-1]:
        tree = tree[key]
    return tree


@st.composite
def broken_trees(draw, tree):
    """A copy of a tree in which one value is another, gone, or there twice, or a key renamed."""
    tree = copy.deepcopy(tree)
    path = draw(st.sampled_from(list(list_places(tree))))
    if not path:
        return draw(st.sampled_from(ODD_VALUES))
    parent, key = _parent(tree, path), path[-1]
    how = draw(st.sampled_from(["other", "other", "other", "gone", "twice", "renamed"]))
    if how == "gone":
        del parent[key]
    elif how == "twice" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif how == "renamed" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["x", "ID", f"{key}s", "", "\x1b"]))] = parent.pop(key)
    else:
        parent[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return tree


@st.composite
def broken_rows(draw, rows, separator):
    """Rows of which one has a token too many, too few or of another kind, or is no row."""
    rows = [list(row) for row in rows]
    row = draw(st.sampled_from(rows))
    place = draw(st.integers(0, len(row) - 1))
    how = draw(st.sampled_from(["other", "other", "gone", "more", "twice", "joined"]))
    if how == "gone":
        del row[place]
    elif how == "more":
        row.insert(place, draw(st.sampled_from(ODD_TOKENS)))
    elif how == "twice":
        rows.append(list(row))
    elif how != "joined":
        row[place] = draw(st.sampled_from(ODD_TOKENS))
    between = {id(row): ";" if how == "joined" else separator}
    return "".join(between.get(id(each), separator).join(each) + "\n" for each in rows)


@st.composite
def broken_bytes(draw, content):
    """Bytes cut off, of another encoding, with one of them damaged, or with a byte order mark."""
    how = draw(st.sampled_from(["cut", "damaged", "inserted", "utf-16", "mark", "nothing"]))
    place = draw(st.integers(0, max(len(content) - 1, 0)))
    return {
        "cut": content[:place],
        "damaged": content[:place] + bytes([draw(st.integers(0, 255))]) + content[place + 1 :],
        "inserted": content[:place] + b"\xe4" + content[place:],
        "utf-16": content.decode().encode("utf-16"),
        "mark": b"\xef\xbb\xbf" + content,
        "nothing": b"",
    }[how]
