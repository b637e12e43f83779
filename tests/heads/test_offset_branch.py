"""The offset branch at single cells equals the same layers run over the whole map."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from heads.gathered_matmul import gather_rows, gathered_matmul
from heads.offset_branch import OffsetBranch, OffsetReader

DEPTHS = range(5)
BATCH, HEIGHT, WIDTH = 2, 5, 7


def make_branch_and_feature(n, channels=32, size=(BATCH, HEIGHT, WIDTH)):
    torch.manual_seed(n)
    branch = OffsetBranch(channels, n)
    return branch, torch.randn(size[0], channels, *size[1:])


def run_layer_by_layer(branch, feature):
    """METHOD.md section 2, layer by layer, on the whole map."""
    map_ = feature
    for layer in branch:
        if isinstance(layer, nn.Conv2d):
            padding = layer.kernel_size[0] // 2
            map_ = nn.functional.conv2d(map_, layer.weight, layer.bias, padding=padding)
        elif isinstance(layer, nn.ConvTranspose2d):
            map_ = nn.functional.conv_transpose2d(
                map_, layer.weight, layer.bias, stride=2, padding=1
            )
        else:
            map_ = map_.clamp(min=0)
    return map_


def read_cells(dense, cells):
    return torch.stack([dense[b, :, y, x] for b, y, x in cells.tolist()])


def list_border_cells(n):
    """Corners, cells on and beside every border, some inside, one of them twice."""
    height, width = HEIGHT << n, WIDTH << n
    rows, columns = {0, 1, height // 2, height - 2, height - 1}, {0, 1, width // 2, width - 1}
    cells = [(b, y, x) for b in range(BATCH) for y in sorted(rows) for x in sorted(columns)]
    return torch.tensor([*cells, cells[7]])


def compute_gradients(branch, feature, values, weight):
    inputs = [feature, *branch.parameters()]
    return torch.autograd.grad((values * weight).sum(), inputs)


@pytest.fixture
def only_sparse(monkeypatch):
    monkeypatch.setattr("heads.offset_branch.DENSE_PAYS_FROM", float("inf"))


@pytest.mark.parametrize("n", DEPTHS)
@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-12)])
@pytest.mark.usefixtures("only_sparse")
def test_values_and_every_gradient_equal_the_whole_map(n, kind, tolerance):
    branch, feature = make_branch_and_feature(n)
    branch, feature = branch.to(kind), feature.to(kind).requires_grad_()
    cells = list_border_cells(n)
    dense = read_cells(run_layer_by_layer(branch, feature), cells)
    sparse = branch(feature, cells)
    assert sparse.shape == (len(cells), 2)
    torch.testing.assert_close(sparse, dense, atol=tolerance, rtol=0)
    weight = torch.randn(len(cells), 2, dtype=kind)
    pairs = zip(
        compute_gradients(branch, feature, sparse, weight),
        compute_gradients(branch, feature, dense, weight),
        strict=True,
    )
    for ours, theirs in pairs:
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


@given(data=st.data(), n=st.integers(0, 3), height=st.integers(1, 4), width=st.integers(1, 4))
def test_any_cells_of_any_map_equal_the_whole_map(data, n, height, width):
    branch, feature = make_branch_and_feature(n, 8, (3, height, width))
    cell = st.tuples(
        st.integers(0, 2), st.integers(0, (height << n) - 1), st.integers(0, (width << n) - 1)
    )
    cells = torch.tensor(data.draw(st.lists(cell, min_size=1, max_size=20)))
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("heads.offset_branch.DENSE_PAYS_FROM", float("inf"))
        torch.testing.assert_close(
            branch(feature, cells),
            read_cells(run_layer_by_layer(branch, feature), cells),
            atol=1e-4,
            rtol=0,
        )


@pytest.mark.parametrize("n", DEPTHS)
def test_no_cell_gives_no_offset_and_zero_gradients(n):
    branch, feature = make_branch_and_feature(n)
    none = torch.zeros(0, 3, dtype=torch.long)
    found = branch(feature, none)
    assert found.shape == (0, 2)
    found.sum().backward()
    assert all(each.grad.abs().sum() == 0 for each in branch.parameters())


def count_read_cells(cells, n):
    """How many cells of each map, the convolution's first, the wanted ones depend on."""
    reads = []
    level = {tuple(cell) for cell in cells.tolist()}
    for stage in reversed(range(n)):
        # An output o of ConvTranspose2d(4, 2, 1) sums inputs i and taps k with o = 2 i - 1 + k.
        below = set()
        for b, y, x in level:
            for ky in range(4):
                for kx in range(4):
                    if (y + 1 - ky) % 2 == 0 and (x + 1 - kx) % 2 == 0:
                        below.add((b, (y + 1 - ky) // 2, (x + 1 - kx) // 2))
        reads.insert(0, len(level))
        # Nothing is computed for zero padding.
        height, width = HEIGHT << stage, WIDTH << stage
        level = {(b, y, x) for b, y, x in below if 0 <= y < height and 0 <= x < width}
    reads.insert(0, len(level))
    return reads


@pytest.mark.parametrize("n", DEPTHS)
@pytest.mark.usefixtures("only_sparse")
def test_multiply_adds_are_those_of_the_cells_that_are_read(n):
    branch, feature = make_branch_and_feature(n)
    cells = list_border_cells(n)
    outputs = count_read_cells(cells, n)
    expected = outputs[0] * 9 * 32 * 32
    channels = 32
    for count in outputs[1:]:
        expected += count * 4 * channels * (channels // 2)
        channels //= 2
    expected += outputs[-1] * channels * 2
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        branch(feature, cells)
    assert counter.get_total_flops() == 2 * expected


@pytest.mark.parametrize(("peaks", "times_fewer"), [(300, 30), (1000, 12)])
def test_a_full_size_map_takes_many_times_fewer_multiply_adds(peaks, times_fewer):
    """1024x640 px, 384 channels, n = 3: 40,960 feature cells; peaks far apart, the worst case."""
    branch, feature = OffsetBranch(384, 3), torch.zeros(1, 384, 160, 256)
    random = torch.Generator().manual_seed(0)
    axes = [torch.randint(0, side, (peaks,), generator=random) for side in (1, 1280, 2048)]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        branch(feature, torch.stack(axes, dim=1))
    stages = sum(16 * (384 >> i) * (384 >> i + 1) * 4**i for i in range(3))
    dense = 160 * 256 * (9 * 384**2 + stages + 64 * 48 * 2)
    assert 2 * dense >= times_fewer * counter.get_total_flops()


def test_where_most_cells_are_wanted_the_whole_map_is_computed():
    branch, feature = make_branch_and_feature(2)
    height, width = HEIGHT << 2, WIDTH << 2
    every = torch.cartesian_prod(*(torch.arange(side) for side in (BATCH, height, width)))
    counts = []
    for call in (lambda: branch(feature), lambda: branch(feature, every)):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            found = call()
        counts.append(counter.get_flop_counts()["Global"])
    assert counts[0] == counts[1]
    dense = run_layer_by_layer(branch, feature)
    assert torch.equal(found.T.reshape(2, BATCH, height, width), dense.transpose(0, 1))


@pytest.mark.usefixtures("only_sparse")
def test_half_precision_autocast_follows_the_dense_form():
    branch, feature = make_branch_and_feature(3)
    cells = list_border_cells(3)
    with torch.no_grad():
        exact = branch(feature, cells)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            sparse, dense = branch(feature, cells), read_cells(branch(feature), cells)
    assert sparse.dtype == dense.dtype == torch.bfloat16
    assert (sparse - exact).abs().max() <= 2 * (dense - exact).abs().max() + 2**-8


def count_multiply_adds(branch, feature, cells):
    with FlopCounterMode(display=False) as counter:
        found = branch(feature, cells)
    return found, counter.get_total_flops() // 2


@pytest.mark.parametrize("autocast", [False, True])
def test_a_gpu_takes_the_whole_map_in_half_precision_without_gradients(autocast, monkeypatch):
    branch, feature = make_branch_and_feature(2)
    cell, kind = torch.tensor([[1, 3, 5]]), torch.bfloat16
    if not autocast:
        branch, feature = branch.to(kind), feature.to(kind)

    def forms():
        with torch.autocast("cpu", dtype=kind, enabled=autocast):
            _, whole = count_multiply_adds(branch, feature, None)
            trained = count_multiply_adds(branch, feature, cell)
            with torch.no_grad():
                return whole, trained, count_multiply_adds(branch, feature, cell)

    whole, trained, alone = forms()
    assert trained[1] == alone[1] < whole / 10  # on a CPU
    monkeypatch.setattr("heads.offset_branch._GPUS", ("cpu",))
    whole, trained, on_gpu = forms()
    assert trained[1] < whole / 10
    assert on_gpu[1] == whole
    torch.testing.assert_close(on_gpu[0], alone[0], atol=2**-8, rtol=0)
    monkeypatch.setattr("heads.offset_branch._DENSE_ON_A_GPU", whole // 2)
    assert forms()[2][1] < whole / 10
    with torch.no_grad():
        assert count_multiply_adds(branch.float(), feature.float(), cell)[1] < whole / 10


@pytest.mark.usefixtures("only_sparse")
def test_gradients_are_the_same_in_every_run():
    branch, feature = make_branch_and_feature(2)
    feature.requires_grad_()
    cells = list_border_cells(2)
    first, second = (
        compute_gradients(branch, feature, branch(feature, cells), torch.ones(len(cells), 2))
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_reader_tells_the_shape_of_its_map():
    branch, feature = make_branch_and_feature(2)
    assert OffsetReader(branch, feature).shape == tuple(branch(feature).shape)


def test_gathering_passes_gradcheck():
    torch.manual_seed(0)
    rows, weight = torch.randn(6, 3).double(), torch.randn(4, 3, 2).double()
    bias = torch.randn(2).double()
    # Row 6 is zero padding: the one row that a tap may read twice.
    table = torch.tensor([[0, 1, 6, 6], [1, 2, 0, 6], [5, 6, 3, 4]])
    inputs = [each.requires_grad_() for each in (rows, weight, bias)]
    padded = torch.cat([rows, rows.new_zeros(1, 3)])
    sums = [
        bias + sum(padded[row] @ weight[tap] for tap, row in enumerate(each))
        for each in table.tolist()
    ]
    torch.testing.assert_close(gathered_matmul(rows, table, weight, bias), torch.stack(sums))
    cells = torch.tensor([[0, 1, 2], [1, 0, 0], [1, 2, 2]])
    feature = torch.randn(2, 2, 3, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: gather_rows(f, cells), feature)
    assert torch.autograd.gradcheck(lambda r, w, b: gathered_matmul(r, table, w, b), inputs)


@pytest.mark.parametrize(("channels", "n"), [(3, 2), (8, 4)])
def test_more_stages_than_channels_can_be_halved_are_refused(channels, n):
    with pytest.raises(ValueError, match="heatmap_upsample_num"):
        OffsetBranch(channels, n)
