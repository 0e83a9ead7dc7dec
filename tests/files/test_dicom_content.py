# TRUTHS of DICOM content: same study, same bytes | frames carry their own TE and TI, none where there was no inversion
# | dimension and time indices sort the frames | SAR, mode and nerve stimulation come from the verdict | without a verdict
# the image is derived and claims no SAR | T1 in ms by DCM 113063, its deviation marked | sagittal slices show upright
# | decimal strings fit 16 characters | a misspelt keyword, NaN, a sheared grid, a bad uid, equal numbers are errors
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from fullbore.data import Grid
from fullbore.errors import OutputError, ShapeError, ValueRangeError
from fullbore.files.dicom import folder_name, write_dicom
from fullbore.files.dicom_attributes import decimal, fill, strict_pydicom
from fullbore.files.dicom_geometry import planes
from tests.files.exam_double import GEOMETRIES, study


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    paths = write_dicom(study(), tmp_path_factory.mktemp("dicom"))
    read = {path: pydicom.dcmread(path) for path in paths}
    single = {path.parent.name: item for path, item in read.items() if path.parent.name != "004_t1t2_map"}
    return single | {"mapping": [item for path, item in read.items() if path.parent.name == "004_t1t2_map"]}


def test_same_study_same_bytes(tmp_path):
    first, second = (write_dicom(study(), tmp_path / name) for name in "ab")
    assert [p.relative_to(tmp_path / "a") for p in first] == [p.relative_to(tmp_path / "b") for p in second]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_identifiers_follow_the_study(objects):
    every = [item for name, item in objects.items() if name != "mapping"] + objects["mapping"]
    assert {o.StudyInstanceUID for o in every} == {study().uid}
    assert len({o.SOPInstanceUID for o in every}) == len(every) == 13 + 7
    assert len({o.SeriesInstanceUID for o in every}) == 13 + 1
    assert len({o.FrameOfReferenceUID for o in every}) == 1
    assert {o.AcquisitionDateTime for o in every} == {"20260102030405"}


def test_mapping_frames_carry_their_times(objects):
    shared = [o.SharedFunctionalGroupsSequence[0] for o in objects["mapping"]]
    assert [g.MREchoSequence[0].EffectiveEchoTime for g in shared] == pytest.approx([12, 12, 12, 12, 24, 36, 48])
    modifiers = [g.MRModifierSequence[0] for g in shared]
    assert [m.InversionRecovery for m in modifiers] == ["YES"] * 3 + ["NO"] * 4
    assert [m.InversionTimes for m in modifiers[:3]] == pytest.approx([60, 700, 3000])
    assert all("InversionTimes" not in m for m in modifiers[3:])
    assert len({g.PixelValueTransformationSequence[0].RescaleSlope for g in shared}) == 1


def test_indices_sort_the_frames(objects):
    stack, times = objects["003_t2_tse"], objects["mapping"]
    indices = [tuple(f.FrameContentSequence[0].DimensionIndexValues) for f in stack.PerFrameFunctionalGroupsSequence]
    assert indices == [(1, 1, z + 1) for z in range(8)]
    assert [d.DimensionDescriptionLabel for d in stack.DimensionIndexSequence][1:] == [
        "TemporalPositionIndex",
        "InStackPositionNumber",
    ]
    contents = [o.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0] for o in times]
    assert [c.TemporalPositionIndex for c in contents] == [o.InstanceNumber for o in times] == list(range(1, 8))


def test_acquisition_is_told(objects):
    t1, t2 = objects["002_t1_mprage"], objects["003_t2_tse"]
    shared = t1.SharedFunctionalGroupsSequence[0]
    timing = shared.MRTimingAndRelatedParametersSequence[0]
    assert (t1.MRAcquisitionType, t1.EchoPulseSequence, t1.AcquisitionContrast) == ("3D", "GRADIENT", "T1")
    assert "MultipleSpinEcho" not in t1 and "AcquisitionDate" not in t1
    assert (float(timing.RepetitionTime), float(timing.FlipAngle)) == pytest.approx((2300.0, 9.0))
    modifier = shared.MRModifierSequence[0]
    assert (modifier.InversionTimes, modifier.ParallelReductionFactorInPlane) == (900.0, 2.0)
    assert modifier.ParallelReductionFactorOutOfPlane == 1.5
    assert float(shared.MRImagingModifierSequence[0].PixelBandwidth) == pytest.approx(1 / (36 * 1e-5))
    assert (t2.MRAcquisitionType, t2.MultipleSpinEcho, t2.AcquisitionContrast) == ("2D", "YES", "T2")
    measures = t2.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (float(measures.SliceThickness), float(measures.SpacingBetweenSlices)) == pytest.approx((5.0, 6.0))
    assert t2.SharedFunctionalGroupsSequence[0].MRTimingAndRelatedParametersSequence[0].RFEchoTrainLength == 16


def test_verdict_is_told(objects):
    timing = objects["001_localizer"].SharedFunctionalGroupsSequence[0].MRTimingAndRelatedParametersSequence[0]
    sar = {s.SpecificAbsorptionRateDefinition: s.SpecificAbsorptionRateValue for s in timing.SpecificAbsorptionRateSequence}
    assert sar == {"IEC_WHOLE_BODY": 0.21, "IEC_HEAD": 0.83}
    assert {m.OperatingMode for m in timing.OperatingModeSequence} == {"IEC_NORMAL"}
    assert (timing.GradientOutputType, timing.GradientOutput) == ("PER_NERVE_STIM", 61.2)


def test_no_verdict_no_claim(objects):
    image = objects["005_recon_only"]
    assert image.ImageType[0] == "DERIVED" and objects["001_localizer"].ImageType[0] == "ORIGINAL"
    assert "MRTimingAndRelatedParametersSequence" not in image.SharedFunctionalGroupsSequence[0]


def test_maps_say_what_they_are(objects):
    t1, deviation = objects["401_t1t2_map_T1"], objects["402_t1t2_map_T1_std"]
    for item, count in ((t1, 1), (deviation, 2)):
        mapping = item.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "ms" and mapping.RealWorldValueSlope == 1.0
        assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "113063"
        assert len(mapping.QuantityDefinitionSequence) == count
    assert mapping.QuantityDefinitionSequence[1].ConceptCodeSequence[0].CodeMeaning == "Standard Deviation"
    pixels = np.frombuffer(t1.FloatPixelData, dtype="<f4")
    value = study().series[3].maps["T1"].value
    assert pixels.max() == pytest.approx(1e3 * np.nanmax(value), rel=1e-6)
    assert (pixels == t1.FloatPixelPaddingValue).sum() == np.isnan(value).sum()
    source = t1.ReferencedSeriesSequence[0]
    assert source.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == objects["mapping"][0].SOPInstanceUID


def test_sagittal_is_shown_upright():
    turned = planes(GEOMETRIES["sagittal"].grid())
    np.testing.assert_allclose(turned.directions[:2], [[0, 1, 0], [0, 0, -1]], atol=1e-12)
    assert turned.grid.shape == (8, 18, 16)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_turning_keeps_every_voxel_in_place(name):
    grid = GEOMETRIES[name].grid()
    turned = planes(grid)
    for axis in range(3):
        np.testing.assert_allclose(turned.turn(grid.points_m()[..., axis]), turned.grid.points_m()[..., axis], atol=1e-12)


@pytest.mark.parametrize("value", [-9.99999999999999, 1 / 3, -1e-17 / 3, 123456789.123456789, 2777.777777777778, 0.0, -0.0])
def test_decimal_strings_fit(value):
    text = str(decimal(value))
    assert len(text) <= 16 and float(text) == pytest.approx(value, rel=1e-9, abs=0)


def test_misspelt_keyword_raises():
    with strict_pydicom(), pytest.raises(ValueError, match="MultiplanarExcitation"):
        fill(Dataset(), MultiplanarExcitation="NO")


def broken(**changes):
    whole = study()
    return replace(whole, series=(replace(whole.series[0], **changes),))


def test_nan_is_refused_and_leaves_no_file(tmp_path):
    image = study().series[0].image
    values = image.values.copy()
    values[0, 0, 0] = np.nan
    with pytest.raises(ValueRangeError, match="NaN"):
        write_dicom(broken(image=replace(image, values=values)), tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_sheared_grid_is_refused(tmp_path):
    image = study().series[0].image
    affine = image.grid.affine_m.copy()
    affine[0, 0] += 1e-3
    with pytest.raises(ValueRangeError, match="sheared"):
        write_dicom(broken(image=replace(image, grid=Grid(shape=image.grid.shape, affine_m=affine))), tmp_path)


def test_bad_uid_equal_numbers_and_unwritable_folder(tmp_path):
    with pytest.raises(ValueRangeError, match="identifier"):
        write_dicom(replace(study(), uid="not a uid"), tmp_path)
    twice = study().series[:1] * 2
    with pytest.raises(ShapeError, match="not unique"):
        write_dicom(replace(study(), series=twice), tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_dicom(study(), tmp_path / "file")


def test_folder_names_are_safe():
    assert folder_name(4, "T1/T2 map: é") == "004_T1_T2_map"
