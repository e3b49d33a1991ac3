"""What users are to the app: its own columns, preferences, a picture.

@app.get("/hello")
async def hello(account: Annotated[CurrentAccount, Depends(current_account)]) -> str:
    return f"Hello {account.display_name or account.email}"
"""

from mainstay.identity.profiles.current_account import CurrentAccount, current_account

__all__ = ["CurrentAccount", "current_account"]
