"""The service definition for Windows: a configuration of WinSW, which runs praxisd as its child process.

Never run by us: there was no Windows computer. The guard needs posix_spawn and inherited sockets, so on Windows the
service starts the server itself, WinSW restarts it after a failure, and updates of the program are done by hand.
"""

from xml.sax.saxutils import escape

from praxisd.kernel.installation import SERVICE_VARIABLE
from praxisd.system.plan import Plan

FILE = "{name}-service.xml"
_TEXT = """\
<service>
  <id>{name}</id>
  <name>praxisd</name>
  <description>praxisd, the server of the practice</description>
  <executable>{python}</executable>
  <arguments>{arguments}</arguments>
  <env name="{variable}" value="{name}"/>
  <env name="PYTHONUTF8" value="1"/>
  <startmode>Automatic</startmode>
  <delayedAutoStart>true</delayedAutoStart>
  <stoptimeout>30 sec</stoptimeout>
  <onfailure action="restart" delay="1 sec"/>
  <onfailure action="restart" delay="5 sec"/>
  <onfailure action="restart" delay="60 sec"/>
  <resetfailure>10 min</resetfailure>
  <logpath>{data}\\run</logpath>
  <log mode="roll-by-size"><sizeThreshold>10240</sizeThreshold><keepFiles>8</keepFiles></log>
  <serviceaccount><username>NT AUTHORITY\\LocalService</username></serviceaccount>
</service>
"""


def xml(plan: Plan) -> str:
    """The file's text."""
    words = [
        "-P", "-m", "praxisd", "serve", "--data", str(plan.data), "--host", plan.host, "--port", str(plan.port)
    ]  # fmt: skip
    if plan.config is not None:
        words += ["--config", str(plan.config)]
    return _TEXT.format(
        name=escape(plan.name),
        python=escape(plan.python),
        arguments=escape(" ".join(f'"{one}"' if " " in one else one for one in words)),
        variable=SERVICE_VARIABLE,
        data=escape(str(plan.data)),
    )
