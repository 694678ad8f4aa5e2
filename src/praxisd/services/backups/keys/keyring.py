"""What other rooms use of the keys. Nothing here is called inside a transaction but what takes one."""

from praxisd.services.backups.keys.alphabet import typed as typed
from praxisd.services.backups.keys.instructions import write_instructions as write_instructions
from praxisd.services.backups.keys.keeping import current as current
from praxisd.services.backups.keys.keeping import keys_on as keys_on
from praxisd.services.backups.keys.keeping import newest as newest
from praxisd.services.backups.keys.keeping import opened_by as opened_by
from praxisd.services.backups.keys.keeping import text_of as text_of
from praxisd.services.backups.keys.opening import needed as needed
from praxisd.services.backups.keys.opening import repo_by as repo_by
from praxisd.services.backups.keys.opening import repo_of as repo_of
from praxisd.services.backups.keys.rewrapping import rewrap as rewrap
from praxisd.services.backups.keys.rewrapping import set_up as set_up
