"""Which archive a project has: a folder of its state folder, or a bucket."""

from collections.abc import Callable, Iterator

from ml_connector.archive import BucketAddress, BucketArchive, FileArchive, LocalArchive
from ml_connector.ports import Check, Secrets
from ml_connector.settings import ArchiveSettings, Project

ARCHIVE_FOLDER = "archive"
COPIES_FOLDER = "archive-copies"
"""Beside the folder of a local archive, and never the same: copies are removed to make room."""


def open_archive(project: Project, find_secrets: Callable[[], Secrets]) -> FileArchive:
    """The project's immutable files, of its organisation alone.

    Args:
        project: Says where they are.
        find_secrets: Opens the vault; asked only where a bucket is named.
    """
    settings, organisation = project.settings.archive, project.settings.organisation
    if not settings.url:
        return LocalArchive(project.state_dir / ARCHIVE_FOLDER, organisation=organisation)
    return BucketArchive(
        _find_address(project, settings),
        organisation,
        secrets=find_secrets(),
        folder=project.state_dir / COPIES_FOLDER,
    )


def check_archive(archive: FileArchive) -> Iterator[Check]:
    """Yield whether the bucket takes a file and gives it back; nothing of a folder."""
    if isinstance(archive, BucketArchive):
        yield archive.check()


def _find_address(project: Project, settings: ArchiveSettings) -> BucketAddress:
    return BucketAddress(
        url=settings.url,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        ca_bundle=project.resolve(settings.ca_bundle) if settings.ca_bundle else None,
    )
