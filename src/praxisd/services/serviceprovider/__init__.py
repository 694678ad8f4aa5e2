"""serviceprovider: the ServiceProvider of medatixx' products and its two INI files, read, compared, mended (SPEC 7.6)."""

from praxisd.kernel.service import Service

SERVICE = Service(
    name="serviceprovider",
    package="praxisd.services.serviceprovider",
    needs=("diagnosis",),
)
