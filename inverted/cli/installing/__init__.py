"""What `inverted install` and `inverted uninstall` are made of.

`hosts` knows each host, as data; `launch` finds out what is started; `change` works out the new
text of a configuration, with one module for each format (`jsonc`, `tomltext`, `yamltext`); `files`
replaces the file; `receipts` remembers what was added; `report` prints.
"""
