"""SCIM 2.0 (RFC 7643, RFC 7644): where a company's own directory keeps people and groups, `/scim/v2/…`.

What comes is read and answered by scim2-models; what it means is asked of *people*, by `nhip.people.v1.Sync`. Owns no
data, and knows no key.
"""
