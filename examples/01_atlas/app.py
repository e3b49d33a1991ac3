"""The atlas: the world's continents, countries and cities. Everybody reads, editors write."""

from uuid import UUID

from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, Mainstay, Resource, anyone, computed, count_of, field, ref, role
from mainstay.model import Options

OPEN = Access(read=anyone, write=role("editor"))


class Continent(Resource):
    """A continent."""

    __tablename__ = "continents"
    __access__ = OPEN
    __api__ = Options(default_sort="name")

    code: Mapped[str] = field(pattern="[A-Z]{2}", unique=True, description="Two letters, as GeoNames has them.")
    name: Mapped[str] = field(max_length=80, search=True)
    countries: Mapped[list["Country"]] = relationship(back_populates="continent")
    country_count = count_of("countries")


class Country(Resource):
    """A country or territory."""

    __tablename__ = "countries"
    __access__ = OPEN
    __api__ = Options(default_sort="name")

    iso: Mapped[str] = field(pattern="[A-Z]{2}", unique=True, description="ISO 3166-1 alpha-2.")
    name: Mapped[str] = field(max_length=120, search=True, index=True)
    capital: Mapped[str | None] = field(default=None, max_length=120, search=True)
    population: Mapped[int] = field(ge=0, index=True)
    area: Mapped[int] = field(ge=0, description="Square kilometres.")
    currency: Mapped[str | None] = field(default=None, max_length=40)
    languages: Mapped[list[str]] = field(default_factory=list)
    continent_id: Mapped[UUID] = ref(Continent)
    continent: Mapped[Continent] = relationship(back_populates="countries")
    cities: Mapped[list["City"]] = relationship(back_populates="country")
    city_count = count_of("cities")

    @computed
    def density(self) -> float | None:
        """People a square kilometre."""
        return round(self.population / self.area, 1) if self.area else None


class City(Resource):
    """A city of more than 15,000 people."""

    __tablename__ = "cities"
    __access__ = OPEN
    __api__ = Options(default_sort="-population")

    name: Mapped[str] = field(max_length=200, search=True, index=True)
    population: Mapped[int] = field(ge=0, index=True)
    latitude: Mapped[float] = field(ge=-90, le=90)
    longitude: Mapped[float] = field(ge=-180, le=180)
    timezone: Mapped[str] = field(max_length=60)
    country_id: Mapped[UUID] = ref(Country)
    country: Mapped[Country] = relationship(back_populates="cities")


app = Mainstay(
    title="Atlas",
    summary="Continents, countries and cities of the world, from GeoNames (CC BY 4.0).",
    resources=[Continent, Country, City],
)
