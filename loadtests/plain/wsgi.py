"""What gunicorn imports: `app`. Knows the environment."""

import os

from loadtests.plain.app import create_app

app = create_app(os.environ["MONGO_URL"], os.environ["REDIS_URL"])
