"""From the app's stack to a handler: who calls, what they must pass, and which routes are the generated ones."""
