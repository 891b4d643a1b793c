"""What of users and groups there is, as `/Schemas` says it; whatever else comes is left out."""

from typing import Annotated, Any

from pydantic import Field, model_validator
from scim2_models import (
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.urn import URN

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
MOST = 200
"""Resources on a page."""
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""What Entra ID and Okta send beside the letter of the RFC."""


class Name(ComplexAttribute):
    formatted: str | None = None
    """The whole name, as displayName."""

    given_name: Annotated[str | None, Mutability.write_only, Returned.never] = None
    """Read where neither displayName nor formatted is told; in the order that the present name has."""

    middle_name: Annotated[str | None, Mutability.write_only, Returned.never] = None
    """As given name."""

    family_name: Annotated[str | None, Mutability.write_only, Returned.never] = None
    """As given name."""


class Email(ComplexAttribute):
    value: str | None = None
    """Where mails go, and by which a sign-in is linked."""

    type: str | None = Field(None, examples=["work"])
    """There is one address, for work."""

    primary: bool | None = None
    """Of several that are sent the primary one is kept."""


class Manager(ComplexAttribute):
    value: Annotated[str | None, CaseExact.true] = None
    """The id of the manager."""

    ref: Reference["User"] | None = Field(  # pyright: ignore[reportMissingTypeArgument]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The manager."""

    @model_validator(mode="before")
    @classmethod
    def _of_an_id(cls, value: Any) -> Any:
        """Entra ID sends the id itself."""
        return {"value": value} if isinstance(value, str) else value


class EnterpriseUser(Extension):
    __schema__ = URN(ENTERPRISE)

    employee_number: str | None = None
    """The employee code; no two people have the same."""

    department: str | None = None
    """The name of the unit. One that is not there is made."""

    manager: Manager | None = None
    """Who decides about their KPIs."""


class User(Resource[AnyExtension]):
    __schema__ = URN(f"{CORE}User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """As the directory calls them: the e-mail address, where no other one is given."""

    name: Name | None = None
    """What they are called."""

    display_name: str | None = None
    """What they are called, in the order in which it is written."""

    title: str | None = None
    """What they are, as "Sales lead"."""

    active: bool | None = None
    """False: they left. What they did stays."""

    emails: list[Email] | None = None
    """One address."""


class GroupMember(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of a user."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # pyright: ignore[reportMissingTypeArgument]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """User: groups have no groups."""


class Group(Resource[Any]):
    __schema__ = URN(f"{CORE}Group")

    display_name: Annotated[str | None, Required.true] = None
    """The name of a unit, or of a group that an administrator gave a role."""

    members: list[GroupMember] | None = None
    """Who is in the unit, or has the role."""


def user_at(base: str, id: str) -> Reference[Any]:
    """The address of a user."""
    return Reference(f"{base}/Users/{id}")


Person = User[EnterpriseUser]
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=False),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Key of an integration",
                description="The key of an integration that keeps people, as a bearer token",
                primary=True,
            )
        ],
    ),
    policy=POLICY,
)
