"""The statement that shuts an account, or opens it again; `administration.shut_account` says who may."""

from sqlalchemy import bindparam, update

from mainstay.identity.tables import users as t

SET_ACTIVE = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values(active=bindparam("active"), updated_at=bindparam("now"))
    .returning(t.c.id)
)
