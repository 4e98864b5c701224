#!/usr/bin/env python3
"""The Python module on drawn arrays: module_test.py CHECKPOINT."""

import os
import struct
import sys
import tempfile
import threading
import unittest
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)

import backdrop

CHECKPOINT = sys.argv.pop()


def noise(*shape):
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def small_data(foregrounds=3, backgrounds=10):
    """Photos of 16 x 16; background b is all of value b, and masks leave the upper half to it."""
    masks = np.zeros((foregrounds, 16, 16), dtype=bool)
    masks[:, 8:] = True
    photos = np.repeat(np.arange(backgrounds, dtype=np.uint8), 16 * 16 * 3).reshape(backgrounds, 16, 16, 3)
    return backdrop.SearchData(noise(foregrounds, 16, 16, 3), masks, [f % 9 for f in range(foregrounds)], photos,
                               [b % 9 for b in range(backgrounds)])


def write_release_tree(root, name):
    """A photo and a mask in the first of nine classes, a background in each, with that name (bytes)."""
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + 224 * 224 * 3, 0, 0, 54, 40, 224, 224, 1, 24, 0, 0, 0, 0, 0, 0)
    for label in range(9):
        for variation in ("original", "only_bg_t"):
            folder = Path(root) / variation / "val" / f"{label:02}_class"
            folder.mkdir(parents=True)
            with open(os.fsencode(folder) + b"/" + name + b".JPEG", "wb") as file:
                file.write(header + bytes(224 * 224 * 3))
    masks = Path(root) / "fg_mask" / "val" / "00_class"
    masks.mkdir(parents=True)
    with open(os.fsencode(masks) + b"/" + name + b".npy", "wb") as file:
        np.save(file, np.ones((224, 224), dtype=bool))


class Parity(backdrop.Classifier):
    """Class 0 on even backgrounds, class 1 on odd ones."""
    classes = 9
    batch = 4
    name = "parity"

    def classify(self, photos):
        assert photos.dtype == np.uint8 and photos.shape[1:] == (16, 16, 3) and len(photos) <= 4
        assert not photos.flags.writeable
        scores = np.zeros((len(photos), 9))
        scores[np.arange(len(photos)), photos[:, 0, 0, 0] % 2] = 1
        return scores


class First(backdrop.Classifier):
    classes = 9

    def classify(self, photos):
        return np.eye(9)[np.zeros(len(photos), dtype=int)]


class ReprTest(unittest.TestCase):
    def test_says_what_it_is(self):
        model = backdrop.Model.load(CHECKPOINT)
        self.assertEqual(repr(model), "<backdrop.Model: resnet18, 9 classes>")
        self.assertIn("resnet18 on CPU, 2 threads", repr(backdrop.Session(model, device="cpu", threads=2)))
        data = small_data()
        self.assertEqual(repr(data), "<backdrop.SearchData: 3 foregrounds, 10 backgrounds>")
        self.assertIn("accuracy 0.000000, 3 of 3 foregrounds vulnerable", repr(backdrop.search(Parity(), data)))


class ModelTest(unittest.TestCase):
    def test_says_what_it_holds(self):
        model = backdrop.Model.load(CHECKPOINT)
        self.assertEqual((model.architecture, model.classes, model.height), ("resnet18", 9, 224))
        self.assertEqual(model.in9_labels, list(range(9)))
        self.assertEqual(backdrop.Model.parse(Path(CHECKPOINT).read_bytes()).sha256, model.sha256)
        self.assertIn("vgg16_bn", backdrop.Model.architectures())

    def test_takes_a_mean_and_deviation(self):
        model = backdrop.Model.load(CHECKPOINT, mean=(.5, .25, 0), deviation=np.array([.5, 1, .125]))
        self.assertEqual((model.mean, model.deviation), ([.5, .25, 0], [.5, 1, .125]))
        model = backdrop.Model.parse(Path(CHECKPOINT).read_bytes(), mean=[0, 0, 0], deviation=[1, 1, 1])
        self.assertEqual((model.mean, model.deviation), ([0, 0, 0], [1, 1, 1]))
        for wrong in ({"mean": (0, 0, 0)}, {"deviation": (1, 1, 1)}, {"mean": (0, 0, 0), "deviation": (1, 0, 1)},
                      {"mean": (float("nan"), 0, 0), "deviation": (1, 1, 1)}):
            with self.assertRaises(backdrop.Error) as caught:
                backdrop.Model.load(CHECKPOINT, **wrong)
            self.assertEqual((caught.exception.code, caught.exception.file), (2, CHECKPOINT))
        for wrong in ((0, 0), (0, 0, 0, 0), "000", 0.5):
            with self.assertRaises(TypeError):
                backdrop.Model.load(CHECKPOINT, mean=wrong, deviation=(1, 1, 1))

    def test_errors_have_code_and_file(self):
        with self.assertRaises(backdrop.Error) as caught:
            backdrop.Model.load("no-such-file.pt")
        self.assertEqual((caught.exception.code, caught.exception.file), (3, "no-such-file.pt"))
        self.assertIsInstance(caught.exception, RuntimeError)


class DevicesTest(unittest.TestCase):
    def test_begin_with_the_cpu(self):
        cpu, *gpus = backdrop.devices()
        self.assertEqual((cpu.device, cpu.trouble, cpu.precisions[0]), ("cpu", "", "fp32"))
        session = backdrop.Session(backdrop.Model.load(CHECKPOINT), device=cpu.device)
        self.assertIn(f"{cpu.threads} threads", session.description)
        for gpu in gpus:
            self.assertEqual(gpu.precisions == [], gpu.trouble != "")


class SessionTest(unittest.TestCase):
    def setUp(self):
        self.session = backdrop.Session(backdrop.Model.load(CHECKPOINT), device="cpu", threads=2)

    def test_classifies_arrays(self):
        photos = noise(3, 224, 224, 3)
        logits = self.session.classify(photos)
        self.assertEqual((logits.shape, logits.dtype), ((3, 9), np.float32))
        np.testing.assert_array_equal(self.session.classify(photos[1:2]), logits[1:2])

    def test_refuses_other_arrays(self):
        photos = noise(2, 224, 224, 3)
        for bad in (photos.astype(np.float32), photos[0], photos[:, ::2], np.asfortranarray(photos),
                    photos.view(bool), photos[..., :2].copy()):
            with self.assertRaises(TypeError):
                self.session.classify(bad)
        with self.assertRaisesRegex(TypeError, r"4 dimensions, not float32 \(2, 224, 224, 3\)$"):
            self.session.classify(photos.astype(np.float32))
        with self.assertRaisesRegex(TypeError, "not uint8 .* in another order"):
            self.session.classify(np.asfortranarray(photos))
        with self.assertRaises(backdrop.Error):
            self.session.classify(noise(1, 100, 100, 3))

    def test_releases_the_lock(self):
        photos = noise(64, 224, 224, 3)
        turns = 0
        worker = threading.Thread(target=self.session.classify, args=(photos,))
        worker.start()
        while worker.is_alive():
            turns += 1
        worker.join()
        self.assertGreater(turns, 100)


class SearchTest(unittest.TestCase):
    def test_a_classifier_may_keep_its_photos(self):
        class Keeping(Parity):
            def classify(self, photos):
                kept.append((photos, photos.copy()))
                return super().classify(photos)

        kept = []
        backdrop.search(Keeping(), small_data())
        self.assertGreater(len(kept), 2)
        for photos, then in kept:
            np.testing.assert_array_equal(photos, then)

    def test_asks_a_classifier_of_the_callers(self):
        pairs, shown = {}, []

        def tile(foreground, backgrounds, predictions, margins):
            for b, prediction in zip(backgrounds, predictions):
                pairs[foreground, int(b)] = int(prediction)

        answers = backdrop.search(Parity(), small_data(), tile=tile, progress=lambda p: shown.append((p.settled, str(p))))
        expected = np.tile(np.arange(10) % 2, (3, 1))
        np.testing.assert_array_equal(answers.predictions, expected)
        self.assertEqual(pairs, {(f, b): b % 2 for f in range(3) for b in range(10)})
        self.assertEqual(shown[-1], (30, "30 of 30 pairs, 3 vulnerable"))
        self.assertEqual(list(answers.fooled), [5, 5, 10])
        self.assertEqual((answers.vulnerable, answers.challenge_accuracy), (3, 0))
        predictions = answers.predictions
        self.assertFalse(predictions.flags.owndata)
        del answers  # the array keeps what it shows
        np.testing.assert_array_equal(predictions, expected)

    def test_passes_exceptions_on(self):
        class Broken(Parity):
            def classify(self, photos):
                raise ZeroDivisionError("mine")

        class Short(Parity):
            def classify(self, photos):
                return np.zeros((1, 9))

        with self.assertRaises(ZeroDivisionError):
            backdrop.search(Broken(), small_data())
        with self.assertRaises(backdrop.Error):
            backdrop.search(Short(), small_data())
        with self.assertRaises(KeyError):
            backdrop.search(Parity(), small_data(), progress=lambda p: {}["nothing"])

    def test_has_fp32s_answers_in_lower_precision(self):
        model = backdrop.Model.load(CHECKPOINT)
        masks = np.zeros((4, 224, 224), dtype=bool)
        masks[:, 60:160, 60:160] = True
        data = backdrop.SearchData(noise(4, 224, 224, 3), masks, range(4), noise(12, 224, 224, 3), [b % 9 for b in range(12)])
        exact = backdrop.search(backdrop.Session(model), data)
        self.assertIsNone(exact.screening)
        try:
            session = backdrop.Session(model, device="cpu", precision="bf16")
        except backdrop.Error as error:
            self.assertEqual(error.code, 4)
            self.skipTest(str(error))
        found = backdrop.search(session, data)
        np.testing.assert_array_equal(found.predictions, exact.predictions)
        self.assertEqual((found.screening.precision, found.screening.composites), ("bf16", 48))
        self.assertLessEqual(found.screening.rechecked + found.screening.audited, 48)
        self.assertTrue(0 < found.screening.wrong_share_bound <= 1)

    def test_stops(self):
        with self.assertRaises(backdrop.Error) as caught:
            backdrop.search(Parity(), small_data(), cancel=lambda: True)
        self.assertEqual(caught.exception.code, 130)
        self.assertFalse(backdrop.search(Parity(), small_data(40, 50), most_pairs=100).complete)
        self.assertFalse(backdrop.search(Parity(), small_data(40, 50), enough=lambda p: p.evaluated > 0).complete)

    def test_gives_tiles_their_logits(self):
        def tile(foreground, backgrounds, predictions, margins, logits):
            self.assertEqual(logits.shape, (len(backgrounds), 9))
            np.testing.assert_array_equal(logits.argmax(axis=1), predictions)
            given.extend(backgrounds)

        given = []
        backdrop.search(Parity(), small_data(), logits=True, tile=tile)
        self.assertEqual(sorted(given), sorted(list(range(10)) * 3))

    def test_takes_data_one_by_one(self):
        photos, masks, backgrounds = noise(2, 16, 16, 3), np.ones((2, 16, 16), dtype=bool), noise(3, 16, 16, 3)
        builder = backdrop.SearchDataBuilder()
        for f in range(2):
            builder.add_foreground(str(f), f, photos[f], masks[f])
        for b in range(3):
            builder.add_background(str(b), 8, backgrounds[b])
        for wrong in (photos, photos[0][:, :, 0], photos[0][:, :, :2], photos[0].astype(float)):
            with self.assertRaises(TypeError):
                builder.add_background("wrong", 0, wrong)
        expected = backdrop.SearchData(photos, masks, [0, 1], backgrounds, [8] * 3)
        self.assertEqual(builder.finish().sha256, expected.sha256)

    def test_data_know_their_labels(self):
        data = small_data()
        self.assertEqual(list(data.labels), [0, 1, 2])
        self.assertEqual(list(data.background_labels), [b % 9 for b in range(10)])

    def test_parts_are_data_of_their_own(self):
        data = small_data()
        odd = data.part(range(data.foregrounds), np.flatnonzero(data.background_labels % 2))
        self.assertEqual([odd.background_name(b) for b in range(odd.backgrounds)], ["1", "3", "5", "7"])
        np.testing.assert_array_equal(backdrop.search(Parity(), odd).predictions, np.ones((3, 4)))
        self.assertNotEqual(odd.sha256, data.sha256)
        for foregrounds, backgrounds in (([], [0]), ([0], [10]), ([1, 1], [0])):
            with self.assertRaises(backdrop.Error) as caught:
                data.part(foregrounds, backgrounds)
            self.assertEqual(caught.exception.code, 2)
        for foregrounds, backgrounds in ((data.labels == 1, [0]), ([0], data.background_labels == 1),
                                         ([0.5], [0]), (0, [0])):
            with self.assertRaises(TypeError):
                data.part(foregrounds, backgrounds)

    def test_data_show_what_fooled(self):
        data = small_data()
        photo, mask, background = data.foreground_photo(1), data.foreground_mask(1), data.background_photo(4)
        composite = data.composite(1, 4)
        del data  # the arrays keep what they show
        np.testing.assert_array_equal(photo, noise(3, 16, 16, 3)[1])
        np.testing.assert_array_equal(composite, np.where(mask[..., None] == 1, photo, background))
        self.assertEqual((background.shape, background.max(), mask.shape), ((16, 16, 3), 4, (16, 16)))
        for view in (photo, mask, background):
            self.assertFalse(view.flags.writeable)
        composite[0, 0] = 0  # the caller's own
        with self.assertRaises(backdrop.Error):
            small_data().composite(3, 0)

    def test_takes_the_threads_that_it_is_given(self):
        for threads, code in ((-1, 2), (1, 3)):
            with self.assertRaises(backdrop.Error) as caught:
                backdrop.SearchData.load("no-such-folder", threads=threads)
            self.assertEqual(caught.exception.code, code)

    def test_names_may_be_any_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            write_release_tree(folder, b"photo \xff")
            data = backdrop.SearchData.load(folder)
            self.assertEqual(os.fsencode(data.foreground_name(0)), b"photo \xff.JPEG")
            self.assertEqual(os.fsencode(data.background_name(8)), b"photo \xff.JPEG")
            self.assertEqual(data.class_names[8], "08_class")
            photos = np.zeros((1, 8, 8, 3), np.uint8)
            names = [data.foreground_name(0)]
            copied = backdrop.SearchData(photos, np.ones((1, 8, 8), np.uint8), [0], photos, [0], class_names=names * 9,
                                         names=names, background_names=names)
            builder = backdrop.SearchDataBuilder(class_names=names * 9)
            builder.add_foreground(names[0], 0, photos[0], np.ones((8, 8), np.uint8))
            builder.add_background(names[0], 0, photos[0])
            for given in copied, builder.finish():
                self.assertEqual(given.foreground_name(0), names[0])
                self.assertEqual(given.background_name(0), names[0])
                self.assertEqual(given.class_names[8], names[0])
            with self.assertRaises(backdrop.Error) as caught:
                backdrop.Model.load(os.fsdecode(b"no such \xff.pt"))
            self.assertEqual(os.fsencode(caught.exception.file), b"no such \xff.pt")
            out = Path(folder) / "run"
            backdrop.search(First(), data, out=out)
            self.assertEqual(backdrop.Results(out)[0].name, "photo \N{REPLACEMENT CHARACTER}.JPEG")

    def test_reads_a_result_folder_back(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            answers = backdrop.search(Parity(), small_data(), out=out)
            results = backdrop.Results(out)
            np.testing.assert_array_equal(results.predictions, answers.predictions)
            np.testing.assert_array_equal(results.margins, answers.margins)
            self.assertEqual((len(results), len(results.backgrounds)), (3, 10))
            self.assertEqual(results[-1].label, 2)
            self.assertEqual(results[-3].index, 0)
            for index in (3, -4, -6):
                with self.assertRaises(IndexError):
                    results[index]
            self.assertTrue(all(foreground.vulnerable for foreground in results))
            self.assertEqual([f.name for f in results[:2]], ["0", "1"])
            self.assertEqual(results.challenge_accuracy, 0)
            with self.assertRaises(IndexError):
                results[3]
            with self.assertRaises(backdrop.Error):
                backdrop.search(Parity(), small_data(), out=out)

    def test_refuses_data_that_does_not_fit(self):
        photos, masks = noise(2, 16, 16, 3), np.ones((2, 16, 16), dtype=np.uint8)
        for arguments in ((photos, masks, [0], photos, [0, 1]), (photos, masks[:1], [0, 1], photos, [0, 1])):
            with self.assertRaises(ValueError):
                backdrop.SearchData(*arguments)
        with self.assertRaises(TypeError):
            backdrop.SearchData(photos, masks.astype(float), [0, 1], photos, [0, 1])
        with self.assertRaises(backdrop.Error):
            backdrop.SearchData(photos, masks * 2, [0, 1], photos, [0, 1])


if __name__ == "__main__":
    unittest.main()
