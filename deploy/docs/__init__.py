"""Builds the documentation as a site: `python -m deploy.docs`.

`pages` takes the Markdown of the repository, `reference` writes what the code itself can tell,
Sphinx makes pages of both, and `checking` looks at what came out. None of it is in the image, and
`inventory` knows nothing of it.
"""
