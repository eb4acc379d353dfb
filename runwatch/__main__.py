"""python -m runwatch"""

from runwatch import main

main()
