"""`python -m praxisd_guard …`"""

from praxisd_guard.cli import main

if __name__ == "__main__":
    main()
