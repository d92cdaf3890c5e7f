"""The dashboard at `/admin/`: a page and its files. All that it shows comes from the API."""
