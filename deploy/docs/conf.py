"""How Sphinx makes the site. What is linked, drawn or searched comes with it, nothing from outside.

Read by Sphinx alone, as the names of its settings are its own.
"""

import inventory

project = "Inventory"
release = inventory.__version__
html_title = f"Inventory {release}"
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
# Anchors as readers of the repository know them, down to the fourth level.
myst_heading_anchors = 4
# `--` in an option is two hyphens, and quotes stay as they were typed.
smartquotes = False
highlight_language = "text"

html_theme = "furo"
html_static_path = ["static", "node_modules/@mermaid-js/tiny/dist"]
html_css_files = ["site.css"]
html_js_files = [("diagrams.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
