import gzip
import io
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nashgrad.data import load_images

RNG = np.random.default_rng(0)
SHARED = Path(__file__).parents[3] / "shared" / "data"


def array(n=3, side=4, channels=3):
    return RNG.integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def fails(message, *args, error=ValueError, **kwargs):
    with pytest.raises(error) as caught:
        load_images(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert re.search(message, str(caught.value)), str(caught.value)


# .npz


def test_npz_with_splits(tmp_path):
    arrays = {"train_images": array(5), "train_labels": np.arange(5), "test_images": array(2)}
    np.savez(tmp_path / "x.npz", **arrays)
    train, test = (load_images(tmp_path / "x.npz", split=split) for split in ("train", "test"))
    assert torch.equal(train.pixels, torch.from_numpy(arrays["train_images"]).permute(0, 3, 1, 2))
    assert torch.equal(train.labels, torch.arange(5))
    assert (len(test), test.labels) == (2, None)


def test_npz_without_splits(tmp_path):
    np.savez(tmp_path / "x.npz", images=array(channels=1), labels=np.array([0, 1, 1], np.uint8))
    images = load_images(str(tmp_path / "x.npz"), channels=1, size=2)
    assert images.shape == (1, 2, 2)
    assert images.labels.tolist() == [0, 1, 1]
    fails(
        r"x.npz: expected the array test_images, found images, labels$",
        tmp_path / "x.npz",
        split="test",
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": array()}, r"expected the array train_images or images, found x$"),
        ({"images": array() / 255}, r"float64: expected uint8 \(n, height, width, channels\)"),
        ({"images": array().transpose(0, 3, 1, 2)}, r"shape \(3, 3, 4, 4\), uint8: expected"),
        ({"images": array(), "labels": np.ones(3)}, "labels of float64: expected integers"),
        (
            {"images": array(), "labels": np.arange(2)},
            r"x.npz: 3 images, but labels of shape \(2,\)",
        ),
        ({"images": array(channels=1)}, "images of 1 channels, but channels=3$"),
        ({"images": array(0)}, "expected at least one"),
    ],
)
def test_bad_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    fails(message, tmp_path / "x.npz", channels=3)


def test_npz_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.array([print], dtype=object))
    fails("x.npz: an array can't be read .*allow_pickle", tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["x.npz", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"garbage" * 100])
def test_unreadable_files(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    fails(f"{name}: can't be read as a", tmp_path / name)


def test_truncated_npz(tmp_path):
    np.savez(tmp_path / "x.npz", images=array())
    whole = bytearray((tmp_path / "x.npz").read_bytes())
    whole[len(whole) // 4] ^= 255
    (tmp_path / "x.npz").write_bytes(whole)
    fails("x.npz: an array can't be read", tmp_path / "x.npz")


# Folders and zips


@pytest.fixture(params=["folder", "zip"])
def pack(request, tmp_path):
    """Write files into a folder or a zip."""

    def folder(files):
        for name, data in files.items():
            (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / name).write_bytes(data)
        return tmp_path / "data"

    def zipped(files):
        with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
        return tmp_path / "data.zip"

    return folder if request.param == "folder" else zipped


def test_pictures_in_order_with_classes(pack):
    pixels = array(3)
    names = ["train/dog/1.png", "train/cat/2.PNG", "train/dog/0.png", "notes.txt", ".hidden/x.png"]
    path = pack(dict(zip(names, [*map(png, pixels), b"", b""], strict=True)))
    images = load_images(path)
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 1, 1]
    assert torch.equal(images.pixels, torch.from_numpy(pixels[[1, 2, 0]]).permute(0, 3, 1, 2))


def test_a_single_folder_is_no_class(pack):
    images = load_images(pack({"celeba/0.png": png(array()[0]), "celeba/1.png": png(array()[0])}))
    assert images.labels is None


def test_pictures_are_converted(pack):
    path = pack({"a.png": png(array()[0]), "b.png": png(array()[0, ..., 0])})
    assert load_images(path).shape == (3, 4, 4)
    assert load_images(path, channels=1).shape == (1, 4, 4)


def test_pictures_of_all_sizes_are_fitted(pack):
    path = pack({"a.png": png(array(side=9)[0]), "b.png": png(array(side=6)[0, :5])})
    assert load_images(path, size=4).shape == (3, 4, 4)
    assert load_images(path, crop=3).shape == (3, 3, 3)
    fails(r"images differ in size \(a.png is 9x9, b.png is 5x6\), pass size=$", path)
    fails(r"b.png: 5x6 pixels, less than crop=6$", path, crop=6)


@pytest.mark.parametrize("broken", [b"", b"no image", png(array(side=32)[0])[:200]])
def test_broken_pictures(pack, broken):
    path = pack({"a.png": png(array()[0]), "b.png": broken})
    fails(r"b.png: can't be decoded \(.*\); skip_broken=True skips it$", path)
    images = load_images(path, skip_broken=True)
    assert (len(images), images.skipped) == (1, 1)


def test_what_is_no_image_says_so(pack):
    fails(r"b.png: can't be decoded \(not an image\); skip", pack({"b.png": b"no image"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_may_hold_a_name_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("a.png", png(array()[0]))
        file.writestr("a.png", png(array()[0]))
    assert len(load_images(tmp_path / "x.zip")) == 1


def saved(image, kind="png"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


COLOURS = array(side=6)[0]
GREY = COLOURS[..., 0]
DEEP = np.linspace(0, 65_535, 36).reshape(6, 6).astype(np.uint16)  # clipped to bytes: nearly white


@pytest.mark.parametrize(
    ("picture", "grey", "colours"),
    [
        (saved(Image.fromarray(GREY)), GREY, np.stack([GREY] * 3, -1)),
        (
            saved(Image.fromarray(DEEP)),
            np.rint(DEEP / 257),
            np.rint(np.stack([DEEP] * 3, -1) / 257),
        ),
        (saved(Image.fromarray(COLOURS).convert("RGBA")), None, COLOURS),
        (saved(Image.fromarray(np.dstack([GREY, GREY]), "LA")), GREY, None),
        (saved(Image.fromarray(GREY).convert("P")), GREY, None),
        (saved(Image.fromarray(GREY > 127)), 255 * (GREY > 127), None),
        (saved(Image.fromarray(255 - COLOURS, "RGB").convert("CMYK"), "tiff"), None, 255 - COLOURS),
    ],
    ids=["grey", "16 bits", "alpha", "grey and alpha", "palette", "1 bit", "CMYK"],
)
def test_kinds_of_pictures(tmp_path, picture, grey, colours):
    (tmp_path / "a.tif").write_bytes(picture)
    for channels, expected in ((1, grey), (3, colours)):
        pixels = load_images(tmp_path, channels=channels).pixels[0].permute(1, 2, 0).squeeze(-1)
        if expected is not None:
            assert np.array_equal(pixels.numpy(), expected)


def test_numbers_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    fails("a.tif: can't be decoded .pixels are floating-point numbers of unknown range", tmp_path)
    Image.fromarray(np.full((4, 4), 2**20, np.int32)).save(tmp_path / "a.tif")
    fails("a.tif: can't be decoded .pixels are integers of 32 bits", tmp_path)


def many(broken=b""):
    files = {f"{i % 3}/{i}.png": png(array(side=5 + i % 2)[0]) for i in range(300)}
    return files | ({"1/1.png": broken} if broken else {})


def test_several_processes_decode_the_same(pack):
    path, told = pack(many(b"rubbish")), []
    alone = load_images(path, size=4, skip_broken=True)
    together = load_images(
        path, size=4, skip_broken=True, workers=2, progress=lambda *now: told.append(now)
    )
    assert torch.equal(together.pixels, alone.pixels)
    assert torch.equal(together.labels, alone.labels)
    assert together.skipped == alone.skipped == 1
    assert told == [(256, 300), (300, 300)]


def test_a_process_names_the_picture_that_it_cannot_decode(tmp_path):
    for name, data in many(b"rubbish").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    fails("1.png: can't be decoded .not an image", tmp_path, size=4, workers=2)


@pytest.mark.parametrize(("crop", "border"), [(128, 45), (160, 29)])
def test_both_crops_of_celeba(tmp_path, crop, border):
    """Aligned images of 178x218: the middle of crop x crop, then 64x64."""
    pixels = np.zeros((218, 178, 3), np.uint8)
    side = (178 - crop) // 2
    pixels[border : border + crop, side : side + crop] = 255
    (tmp_path / "000001.png").write_bytes(png(pixels))
    images = load_images(tmp_path, crop=crop, size=64)
    assert images.shape == (3, 64, 64)
    assert (images.pixels == 255).all()
    assert (load_images(tmp_path, crop=crop + 2, size=64).pixels[..., 0] < 255).all()


def test_nothing_but_broken_pictures(pack):
    path = pack({"b.png": b""})
    fails("none of its 1 images can be decoded", path, skip_broken=True)


def test_no_pictures(pack):
    fails(r"holds no images \(.bmp, ", pack({"notes.txt": b""}))


def test_a_decompression_bomb_is_refused(pack, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    fails("a.png: can't be decoded .*decompression bomb", pack({"a.png": png(array(side=20)[0])}))


# The CIFAR-10 archives


def cifar(n=2):
    pixels = RNG.integers(0, 256, (n, 3072), dtype=np.uint8)
    return pixels, list(range(n))


def archive(path, files):
    with tarfile.open(path, "w:gz") as file:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def as_binary(pixels, labels):
    return np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1).tobytes()


def as_pickle(pixels, labels, protocol=4):
    return pickle.dumps({b"data": pixels, b"labels": labels}, protocol)


def as_python2_pickle(pixels, labels):
    """The opcodes of the official files: byte strings by the codes of Python 2."""

    def string(data):
        return b"T" + len(data).to_bytes(4, "little") + data

    number = lambda value: b"K" + bytes([value])  # noqa: E731
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\n"
    blank = reconstruct + b"(cnumpy\nndarray\n" + number(0) + b"\x85" + string(b"b") + b"tR"
    kind = b"cnumpy\ndtype\n(" + string(b"u1") + number(0) + number(1) + b"tR"
    kind += (
        b"("
        + number(3)
        + string(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        + number(0)
        + b"tb"
    )
    shape = b"(" + number(len(pixels)) + b"M\x00\x0ct"
    state = b"(" + number(1) + shape + kind + b"\x89" + string(pixels.tobytes()) + b"tb"
    listed = b"(" + b"".join(map(number, labels)) + b"l"
    return b"\x80\x02}(" + string(b"data") + blank + state + string(b"labels") + listed + b"u."


FORMS = {
    "binary": ("cifar-10-batches-bin/{}.bin", as_binary),
    "python": ("cifar-10-batches-py/{}", as_pickle),
    "python2": ("cifar-10-batches-py/{}", as_python2_pickle),
}


@pytest.mark.parametrize("form", FORMS)
def test_cifar10(tmp_path, form):
    name, write = FORMS[form]
    batches = {f"data_batch_{i}": cifar() for i in (4, 1, 3, 5, 2)} | {"test_batch": cifar(3)}
    files = {name.format(key): write(*batch) for key, batch in batches.items()}
    path = archive(tmp_path / "cifar-10.tar.gz", files | {"readme.html": b""})
    train, test = (load_images(path, split=split) for split in ("train", "test"))
    expected = np.concatenate([batches[f"data_batch_{i}"][0] for i in range(1, 6)])
    assert np.array_equal(train.pixels.flatten(1).numpy(), expected)
    assert train.shape == (3, 32, 32)
    assert train.labels.tolist() == [0, 1] * 5
    assert test.labels.tolist() == [0, 1, 2]
    assert test.classes[3] == "cat"


def test_the_python2_pickle_is_one():
    pixels, labels = cifar()
    batch = pickle.loads(as_python2_pickle(pixels, labels), encoding="bytes")
    assert np.array_equal(batch[b"data"], pixels)
    assert batch[b"labels"] == labels


class Attack:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "attack", [Attack(exec, "raise SystemExit"), Attack(np.load, "x"), Attack(getattr, 1, "real")]
)
def test_a_pickle_cannot_run_anything(tmp_path, attack):
    data = pickle.dumps({b"data": attack, b"labels": [0]})
    path = archive(tmp_path / "x.tar.gz", {"cifar-10-batches-py/test_batch": data})
    fails(r"CIFAR-10 archive \(UnpicklingError: it names ", path, split="test")


@pytest.mark.parametrize(
    "files",
    [{}, {"test_batch.bin": b"123"}, {"test_batch": b"123"}, {"test_batch": pickle.dumps({})}],
)
def test_bad_cifar10(tmp_path, files):
    path = archive(tmp_path / "x.tar.gz", files)
    fails("x.tar.gz: can't be read as a CIFAR-10 archive", path, split="test")


# idx files


def idx(data):
    return bytes([0, 0, 8, data.ndim]) + np.array(data.shape, ">u4").tobytes() + data.tobytes()


def write_idx(folder, split="train", n=4, end="", pack=lambda data: data):
    folder.mkdir(exist_ok=True)
    pixels, labels = RNG.integers(0, 256, (n, 5, 3), np.uint8), np.arange(n, dtype=np.uint8)
    (folder / f"{split}-images-idx3-ubyte{end}").write_bytes(pack(idx(pixels)))
    (folder / f"{split}-labels-idx1-ubyte{end}").write_bytes(pack(idx(labels)))
    return pixels


@pytest.mark.parametrize(("end", "pack"), [("", lambda data: data), (".gz", gzip.compress)])
def test_idx_files(tmp_path, end, pack):
    folder = tmp_path / "fashion-mnist"
    expected = write_idx(folder, end=end, pack=pack)
    write_idx(folder, "t10k", n=2, end=end, pack=pack)
    train, test = load_images(folder), load_images(folder, split="test", size=8)
    assert np.array_equal(train.pixels[:, 0].numpy(), expected)
    assert train.labels.tolist() == [0, 1, 2, 3]
    assert (train.classes[3], len(test), test.shape) == ("dress", 2, (1, 8, 8))
    fails("images of 1 channels, but channels=3$", folder, channels=3)
    (folder / f"train-labels-idx1-ubyte{end}").unlink()
    assert load_images(folder).labels is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], r"it promises \[4, 5, 3\], and holds 59 elements"),
        (lambda data: data[:10], "can't be read as an idx file"),
        (lambda data: b"", "it begins with nothing, not 00 00 08 03"),
        (lambda data: b"<htm" + data[4:], "it begins with 3c 68 74 6d, not 00 00 08 03"),
    ],
)
def test_bad_idx_files(tmp_path, damage, message):
    write_idx(tmp_path, pack=damage)
    fails(f"train-images-idx3-ubyte: can't be read as an idx file .*{message}|{message}", tmp_path)


def test_missing_and_damaged_idx_files(tmp_path):
    write_idx(tmp_path, end=".gz", pack=lambda data: gzip.compress(data)[:-9])
    fails("train-images-idx3-ubyte.gz: can't be read as an idx file", tmp_path)
    fails("holds no t10k-images-idx3-ubyte or .gz$", tmp_path, split="test")


# Whatever it is


def test_paths_that_are_nothing(tmp_path):
    fails("nowhere: no such file or folder$", tmp_path / "nowhere", error=FileNotFoundError)
    (tmp_path / "x.txt").touch()
    fails(r"x.txt: expected an .npz file, a folder or .zip of images, or", tmp_path / "x.txt")
    fails(r"^channels=2: choose 1 or 3$", tmp_path, channels=2)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data, the CIFAR-10 subset")
def test_real_images(tmp_path):
    subprocess.run([sys.executable, SHARED / "unpack_cifar10.py", tmp_path / "x.npz"], check=True)
    images = load_images(tmp_path / "x.npz", split="test", size=16)
    assert (len(images), images.shape) == (1017, (3, 16, 16))
    assert torch.bincount(images.labels, minlength=10).min() > 50
