"""Between the decision to page and the handing over: how much at once, in which words, and over what instead."""
