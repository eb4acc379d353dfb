"""`python examples/celery`, or `./dev demo celery`: see demo.py."""

import sys

from demo import main

sys.exit(main())
