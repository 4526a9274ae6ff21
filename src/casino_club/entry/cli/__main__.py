"""`python -m casino_club.entry.cli`, for processes that start others of their own kind."""

from casino_club.entry.cli import main

if __name__ == "__main__":
    main()
