"""A queue in one file: written from a snapshot, put back in one transaction, compared by checksums.

The file is a ZIP, so that it can be read with what every system has:

    schema.sql          the SQL that makes our tables again
    tables/NAME.copy    the rows of each, as COPY writes them, in the order of its key
    lists/N/NAME        the text of each list as it was when the file was written
    manifest.json       versions, and how many rows and which checksum each table has
"""

from executor.database.archive.manifest import Holding, Manifest, Text
from executor.database.archive.reading import compare, load, manifest_of, texts_of
from executor.database.archive.writing import Source, write

__all__ = ["Holding", "Manifest", "Source", "Text", "compare", "load", "manifest_of", "texts_of", "write"]
