"""The dashboard at `/admin/`: a page and the files it is made of. All that it shows comes from the API."""
