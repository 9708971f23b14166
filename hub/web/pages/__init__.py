"""The pages people look at: view models from (plan, moments, tally, now), and the routes that render them."""
