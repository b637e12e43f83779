"""METHOD.md section 6 in loops over cells, with exact fractions where sides are divided."""

import math
from fractions import Fraction


def clusters(
    scores, stride, image_size, k, columns=16, rows=10, densest=15, min_side=96, growth=1.2
):
    """``scores`` is ``[class][row][column]``; windows (x1, y1, x2, y2), largest cluster first."""
    width, height = image_size
    map_w, map_h = math.ceil(width / stride), math.ceil(height / stride)
    highest = [[max(plane[y][x] for plane in scores) for x in range(map_w)] for y in range(map_h)]
    lowest = min(map(min, highest))
    count = {(row, column): 0 for row in range(rows) for column in range(columns)}
    for y in range(map_h):
        for x in range(map_w):
            if highest[y][x] > 1 - 10 / 11 * (1 - lowest):
                count[_place(y, map_h, rows), _place(x, map_w, columns)] += 1
    ranked = sorted(count, key=lambda cell: (-count[cell], cell))[:densest]
    left = {cell for cell in ranked if count[cell] > 0}
    boxes = []
    for cell in sorted(left, key=lambda cell: (cell[1], cell[0])):
        if cell in left:
            group = _flood(cell, left)
            top, bottom = min(r for r, _ in group), max(r for r, _ in group) + 1
            first, last = min(c for _, c in group), max(c for _, c in group) + 1
            boxes.append(
                (
                    min(map_w * first // columns * stride, width),
                    min(map_h * top // rows * stride, height),
                    min(map_w * last // columns * stride, width),
                    min(map_h * bottom // rows * stride, height),
                )
            )
    boxes.reverse()  # of equal areas the last
    boxes.sort(key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))
    large = [b for b in boxes[:k] if (b[2] - b[0]) * (b[3] - b[1]) >= min_side**2]
    return [_grown(box, growth, image_size) for box in large]


def _place(index, side, parts):
    """The part that holds an index, parts beginning at ``floor(i * side / parts)``."""
    (part,) = (i for i in range(parts) if i * side // parts <= index < (i + 1) * side // parts)
    return part


def _flood(start, cells):
    """Take a cell and all that touch it, corners included, out of ``cells``."""
    group, waiting = [], [start]
    cells.discard(start)
    while waiting:
        row, column = waiting.pop()
        group.append((row, column))
        for near in [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
            if near in cells:
                cells.discard(near)
                waiting.append(near)
    return group


def _grown(box, growth, image_size):
    x1, y1, x2, y2 = map(Fraction, box)
    grow = Fraction(growth).limit_denominator(1000)
    half_w, half_h = (x2 - x1) / 2 * grow, (y2 - y1) / 2 * grow
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    return (
        max(math.floor(middle_x - half_w), 0),
        max(math.floor(middle_y - half_h), 0),
        min(math.ceil(middle_x + half_w), image_size[0]),
        min(math.ceil(middle_y + half_h), image_size[1]),
    )
