"""What `fullbore recon` leaves behind: images, a picture, the recipe and the page."""

from __future__ import annotations

from pathlib import Path

from fullbore import files
from fullbore.cli.doors import write_text
from fullbore.clinical.report import picture, recon_page
from fullbore.data import FieldMap, Image, RawData
from fullbore.files.atomic import atomic_path
from fullbore.machinery import file_digest


def write_reconstruction(
    folder: Path, file: Path, raw: RawData, image: Image, recipe: str, field: FieldMap | None = None
) -> list[Path]:
    """image.nii.gz, noise and g maps, image.png, recipe.toml and report.html; fieldmap.nii.gz of a field that was found.

    file: where the raw data came from. recipe: as TOML. Returns the NIfTI files and their sidecars. Errors: OutputError.
    """
    written = files.write_nifti(image, folder / "image")
    written += files.write_noise_nifti(image, folder / "image")
    if field is not None:
        written += files.write_field_nifti(field, folder / "fieldmap")
    with atomic_path(folder / "image.png") as temporary:
        picture(image).savefig(temporary, format="png")
    write_text(recipe, folder / "recipe.toml")
    write_text(recon_page(raw, image, file.name, fingerprint(file), recipe, field), folder / "report.html")
    return written


def stem_of(file: Path) -> str:
    """The name without its suffixes."""
    return file.name.removesuffix("".join(file.suffixes))


def fingerprint(file: Path) -> str:
    """SHA-256 of a raw data file, empty where it cannot be told."""
    path = file if file.is_file() else file.with_suffix(".cfl")
    return file_digest(path) if path.is_file() else ""
