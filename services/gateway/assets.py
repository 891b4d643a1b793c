"""The console's built assets: scripts, styles, fonts and icons, made by `npm run build` in `web/`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

BUILT = Path(__file__).parent / "web" / "dist"


@dataclass(frozen=True, slots=True)
class Assets:
    """Where the built files are, by their plain names, and the icons that templates draw."""

    files: Mapping[str, str] = field(default_factory=dict[str, str])
    icons: Mapping[str, str] = field(default_factory=dict[str, str])

    def url(self, name: str) -> str:
        """The address of a built file; its name carries its digest, so it may be kept for ever."""
        return f"/static/{self.files.get(name, name)}"

    def icon(self, name: str, css: str = "") -> Markup:
        """An icon as SVG. It never speaks alone, so it is hidden from screen readers."""
        shape = self.icons.get(name, "")
        return Markup(
            f'<svg class="icon {css}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
            f'aria-hidden="true" focusable="false">{shape}</svg>'
        )


def load_assets(folder: Path = BUILT) -> Assets:
    """What was built; nothing where nothing was, as in tests of the API alone."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return Assets()
    content = json.loads(manifest.read_text())
    return Assets(content["files"], content["icons"])
