# SPDX-License-Identifier: Apache-2.0

# pintle_room(NAME FOLDER): the *.c of one folder as the object library room_NAME.  Who may include whom is not said here
# but proved by tools/check-layering.
function(pintle_room name folder)
    pintle_room_over("" ${name} ${folder} ${ARGN})
    set_property(GLOBAL APPEND PROPERTY PINTLE_ROOMS ${name})
endfunction()

# pintle_room_over(VARIANT NAME FOLDER): the same room compiled over another library than the first time, as
# room_NAME_VARIANT; which of its sources may include what is checked once.
function(pintle_room_over variant name folder)
    if(variant)
        string(APPEND name _${variant})
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    add_library(room_${name} OBJECT ${sources})
    target_include_directories(room_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib
                                                    ${PROJECT_SOURCE_DIR})
    target_link_libraries(room_${name} PRIVATE ${ARGN})
endfunction()

# pintle_objects(TARGET ROOM...): puts the rooms' objects into a library.
function(pintle_objects target)
    foreach(room IN LISTS ARGN)
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:room_${room}>)
    endforeach()
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
endfunction()

# pintle_program(NAME FOLDER NEEDS...): build/bin/NAME from FOLDER/main.c, and everything else in FOLDER as the static
# archive pintle_FOLDER, so that unit tests can link it too.
function(pintle_program name folder)
    pintle_room(${folder} ${folder} ${ARGN})
    add_library(pintle_${folder} STATIC)
    set_target_properties(pintle_${folder} PROPERTIES OUTPUT_NAME pintle-${folder})
    pintle_objects(pintle_${folder} ${folder})
    target_link_libraries(pintle_${folder} PUBLIC pintle_internal ${ARGN})

    add_executable(program_${name} ${PROJECT_SOURCE_DIR}/${folder}/main.c)
    set_target_properties(program_${name} PROPERTIES OUTPUT_NAME ${name})
    target_include_directories(program_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib
                                                       ${PROJECT_SOURCE_DIR})
    target_link_libraries(program_${name} PRIVATE pintle_${folder})
endfunction()
