"""An app in which everybody signed in may do everything, so that only their proof stands between them and the rows."""

from uuid import UUID

from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, Mainstay, Resource, field, owned, owner, recent, ref, second_factor, signed_in
from mainstay.model import Options, count_of, link


class Vault(Resource, family=True):
    """Apart from other tests' tables."""

    __abstract__ = True


class Account(Vault):
    """Seen freely; changing one asks for a proof of lately."""

    __tablename__ = "accounts"
    __access__ = Access(read=signed_in, write=signed_in, step_up={"write": recent(300)})
    __api__ = Options(create_on_put=True)
    name: Mapped[str] = field(max_length=50)
    movements: Mapped[list["Movement"]] = relationship(back_populates="account")


class Label(Vault):
    """Asks for nothing."""

    __tablename__ = "labels"
    __access__ = Access(read=signed_in, write=signed_in)
    word: Mapped[str] = field(max_length=30)
    movements: Mapped[list["Movement"]] = relationship(secondary="movement_labels", back_populates="labels")


movement_labels = link("movement_labels", "movements", "labels", metadata=Vault.metadata)


class Movement(Vault):
    """Even to see one asks for a proof, and to delete one for a second factor. Goes with its account."""

    __tablename__ = "movements"
    __access__ = Access(
        read=signed_in, write=signed_in, step_up={"read": recent(300), "delete": second_factor(max_age=600)}
    )
    text: Mapped[str] = field(max_length=50)
    account_id: Mapped[UUID] = ref(Account, on_delete="cascade")
    account: Mapped[Account] = relationship(back_populates="movements")
    labels: Mapped[list[Label]] = relationship(secondary=movement_labels, back_populates="movements")


class Statement(Vault):
    """Asks for nothing itself, and shows how many movements there are."""

    __tablename__ = "statements"
    __access__ = Access(read=signed_in, write=signed_in)
    title: Mapped[str] = field(max_length=50)
    lines: Mapped[list["Line"]] = relationship(back_populates="statement")
    line_count = count_of("lines")


class Line(Vault):
    """To see one asks for a proof."""

    __tablename__ = "lines"
    __access__ = Access(read=signed_in, write=signed_in, step_up={"read": recent(300)})
    statement_id: Mapped[UUID] = ref(Statement, on_delete="cascade")
    statement: Mapped[Statement] = relationship(back_populates="lines")


class Diary(Vault):
    """Somebody's own, which they are told when they ask what is held about them."""

    __tablename__ = "diaries"
    __access__ = Access(read=owner, write=owner, step_up={"read": recent(300)})
    __api__ = Options(hide=("list", "get", "create", "update", "replace", "delete", "batch"))
    text: Mapped[str] = field(max_length=100)
    owner_id: Mapped[UUID] = owned()


app = Mainstay(title="Vault", resources=[Account, Label, Movement, Statement, Line, Diary])
