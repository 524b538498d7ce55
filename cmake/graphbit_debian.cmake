# `cpack -G DEB` in a release tree: the graphbit command and the node daemon as a Debian package.
# scripts/release.sh makes it, with checksums; lintian has nothing to say against it.
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)
install(FILES ${debian}/graphbit-node.service DESTINATION lib/systemd/system COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/graphbit.sysusers DESTINATION lib/sysusers.d RENAME graphbit.conf COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/node.env DESTINATION /etc/graphbit COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/lintian-overrides DESTINATION share/lintian/overrides RENAME graphbit COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/copyright DESTINATION share/doc/graphbit COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz DESTINATION share/doc/graphbit COMPONENT debian EXCLUDE_FROM_ALL OPTIONAL)
install(FILES ${PROJECT_BINARY_DIR}/debian/graphbit.1.gz DESTINATION share/man/man1 COMPONENT debian EXCLUDE_FROM_ALL OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME graphbit)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The graphbit-actors authors <graphbit-actors@packages.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "LLM workflows on actors: command and node daemon")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Runs workflows, batches and streams of language model calls on an actor
runtime: circuit breakers, rate limits and retries are supervised actors.
This package has the graphbit command and a systemd service for a node.")
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libpq5)  # loaded when a store is in PostgreSQL
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_COMPONENTS_ALL command debian)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
include(CPack)
