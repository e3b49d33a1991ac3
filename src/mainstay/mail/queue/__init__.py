"""Letters that wait: written with what they tell of, taken by one process at a time, tried until they are gone."""
