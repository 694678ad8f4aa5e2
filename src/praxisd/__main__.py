"""`python -m praxisd` is the command `praxisd`."""

from praxisd.cli import main

if __name__ == "__main__":
    main()
