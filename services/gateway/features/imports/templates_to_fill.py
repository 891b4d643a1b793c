"""Empty tables to fill in: the headings that are known, in the reader's language, as CSV and XLSX."""

from starlette.responses import Response

from importing.sheets.tables import TABLES
from services.gateway.console.routes import Routes
from services.gateway.console.sheet_words import field_words
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.imports.files import TYPES, csv_line, named, workbook

routes = Routes()


@routes.page("/import/template/{table}.{format}")
async def template(visit: Visit) -> Response:
    """`GET /import/template/people.csv`."""
    name, format = visit.request.path_params["table"], visit.request.path_params["format"]
    if name not in TABLES or format not in TYPES:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such template")
    words = field_words(visit.language)
    heading = [words[field.name] for field in TABLES[name].fields if not field.part_of]
    content = csv_line(heading, first=True) if format == "csv" else await workbook(name, heading, [])
    return Response(content, headers=named(f"nhip-{name}.{format}"), media_type=TYPES[format])
