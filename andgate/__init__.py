"""What Andgate means: promises, moments of truth and their judgement.

Pure: no input or output, no clock, no threads, nothing random. The programs `edge` and `hub` use this library;
it knows neither of them.
"""

__version__ = "0.1.0"
