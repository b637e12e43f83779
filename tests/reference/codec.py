"""METHOD.md sections 3 and 5 written out as loops over objects and cells, in plain Python."""

import math


def radius(h, w, overlap=0.3):
    """CornerNet's published function, as every CenterNet code base has it."""
    b1 = h + w
    c1 = w * h * (1 - overlap) / (1 + overlap)
    r1 = (b1 - math.sqrt(b1**2 - 4 * c1)) / 2
    b2 = 2 * (h + w)
    c2 = (1 - overlap) * w * h
    r2 = (b2 - math.sqrt(b2**2 - 16 * c2)) / 8
    a3 = 4 * overlap
    b3 = -2 * overlap * (h + w)
    c3 = (overlap - 1) * w * h
    r3 = (b3 + math.sqrt(b3**2 - 4 * a3 * c3)) / (2 * a3)
    return min(r1, r2, r3)


def encode(boxes, labels, num_classes, feature_size, n, target="integer", radius_px=False):
    """Nested lists: heatmap [b][k][y][x], offset {(b, x, y): (dx, dy)}, xywh {(b, x, y): ...}."""
    s = 4 / 2**n
    height, width = feature_size[0] * 2**n, feature_size[1] * 2**n
    heat = [[[[0.0] * width for _ in range(height)] for _ in range(num_classes)] for _ in boxes]
    offset, xywh, outside, encoded = {}, {}, 0, 0
    for b, (image_boxes, image_labels) in enumerate(zip(boxes, labels, strict=True)):
        peaks = []
        for (x1, y1, x2, y2), k in zip(image_boxes, image_labels, strict=True):
            cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
            ux, uy = cx / s, cy / s
            ix, iy = math.floor(ux), math.floor(uy)
            if not (0 <= ix < width and 0 <= iy < height):
                outside += 1
                continue
            encoded += 1
            if radius_px:
                r_px = max(0.0, radius(y2 - y1, x2 - x1))
                r, sigma = r_px / s, (2 * r_px + 1) / 6 / s
            else:
                r = max(0, math.floor(radius((y2 - y1) / s, (x2 - x1) / s)))
                sigma = (2 * r + 1) / 6
            mx, my = (ix, iy) if target == "integer" else (ux - 0.5, uy - 0.5)
            for y in range(height):
                for x in range(width):
                    if abs(x - mx) <= r and abs(y - my) <= r:
                        value = math.exp(-((x - mx) ** 2 + (y - my) ** 2) / (2 * sigma**2))
                        heat[b][k][y][x] = max(heat[b][k][y][x], value)
            peaks.append((k, iy, ix))
            offset[b, ix, iy] = (ux - ix, uy - iy)
            xywh[b, math.floor(cx / 4), math.floor(cy / 4)] = (
                cx / 4,
                cy / 4,
                (x2 - x1) / 8,
                (y2 - y1) / 8,
            )
        for k, iy, ix in peaks:
            heat[b][k][iy][ix] = 1.0
    ones = sum(v == 1.0 for image in heat for plane in image for row in plane for v in row)
    return heat, offset, xywh, max(1, ones), outside, encoded - len(offset)


def peaks(heat, kernel, topk, threshold=0.0):
    """[(score, k, y, x)] of one image's [k][y][x]: flood each plateau, keep its first cell."""
    reach = kernel // 2
    found = []
    for k, plane in enumerate(heat):
        height, width = len(plane), len(plane[0])

        def window(y, x, height=height, width=width):
            return [
                (v, u)
                for v in range(max(0, y - reach), min(height, y + reach + 1))
                for u in range(max(0, x - reach), min(width, x + reach + 1))
            ]

        top = {
            (y, x)
            for y in range(height)
            for x in range(width)
            if plane[y][x] > threshold and all(plane[v][u] <= plane[y][x] for v, u in window(y, x))
        }
        while top:
            first = min(top)
            plateau, edge = {first}, [first]
            while edge:
                for cell in window(*edge.pop()):
                    if cell in top and cell not in plateau:
                        plateau.add(cell)
                        edge.append(cell)
            top -= plateau
            found.append((plane[first[0]][first[1]], k, *first))
    return sorted(found, key=lambda peak: (-peak[0], peak[1:]))[:topk]


def center(source, cell, n, regression, offset):
    """The center in pixels of METHOD.md section 5's table; arguments are (x, y) pairs."""
    r = 2**n
    s = 4 / r
    if source == "regression":
        return tuple(4 * (math.floor(i / r) + d) for i, d in zip(cell, regression, strict=True))
    if source == "peak_floor":
        return tuple(s * i for i in cell)
    # Integer targets hold no fraction that a closed form could read.
    if source in ("peak_center", "parabola", "dark", "centroid"):
        return tuple(s * (i + 0.5) for i in cell)
    return tuple(s * (i + d) for i, d in zip(cell, offset, strict=True))
