# SPDX-License-Identifier: Apache-2.0
# What Debian wants compressed, before CPack puts it into packages.
file(GLOB_RECURSE files ${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.[1-8]
     ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/*.[1-8])
foreach(file IN LISTS files)
    execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
