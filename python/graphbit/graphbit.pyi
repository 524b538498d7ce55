from graphbit import *
from graphbit import __all__ as __all__

